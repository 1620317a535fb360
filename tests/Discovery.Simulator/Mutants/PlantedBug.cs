#if MUTANTS
using System.ComponentModel;
using System.Reflection;
using Discovery.Raft;
using Discovery.Store;
#endif

namespace Discovery.Simulator.Mutants;

/// <summary>An error that can be planted in the shipped code, one in a process. Only in the build configuration Mutants.</summary>
/// <param name="Name">What <c>--mutant</c> calls it.</param>
/// <param name="Text">What is wrong, and who was once wrong so.</param>
internal sealed record PlantedBug(string Name, string Text)
{
    /// <summary>The code as it is shipped.</summary>
    public static readonly PlantedBug None = new("None", "nothing: the control");

#if MUTANTS
    /// <summary>All of them; none in other configurations.</summary>
    public static IReadOnlyList<PlantedBug> All { get; } = [.. Of<RaftMutant>(), .. Of<StoreMutant>()];

    /// <summary>Plants it in this process, before anything of the store is made.</summary>
    public void Plant()
    {
        RaftMutants.Planted = Enum.TryParse(Name, out RaftMutant raft) ? raft : RaftMutant.None;
        StoreMutants.Planted = Enum.TryParse(Name, out StoreMutant store) ? store : StoreMutant.None;
    }

    private static IEnumerable<PlantedBug> Of<T>()
        where T : struct, Enum =>
        from name in Enum.GetNames<T>()
        where name != None.Name
        select new PlantedBug(name, typeof(T).GetField(name)!.GetCustomAttribute<DescriptionAttribute>()!.Description);
#else
    /// <summary>All of them; none in this configuration.</summary>
    public static IReadOnlyList<PlantedBug> All { get; } = [];

    /// <summary>Plants it in this process: there is nothing to plant.</summary>
    public void Plant()
    {
        if (this != None)
        {
            throw new InvalidOperationException($"this build holds no planted bugs, so not {Name} either");
        }
    }
#endif

    /// <summary>The one of the name.</summary>
    /// <exception cref="FormatException">There is none.</exception>
    public static PlantedBug Find(string name) => All.Append(None).FirstOrDefault(bug => bug.Name == name) ?? throw new FormatException(All.Count == 0
        ? $"--mutant is \"{name}\"; this build holds no planted bugs: dotnet build tests/Discovery.Simulator -c Mutants"
        : $"--mutant is \"{name}\"; it must be one of {string.Join(", ", All.Select(static bug => bug.Name))}");
}
