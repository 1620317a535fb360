using Discovery.Testing;

namespace Discovery.EndToEnd.Tests.Setup;

/// <summary>The sources as a fresh clone has them: nothing built, no state of a stack that someone runs from the original.</summary>
public sealed class CleanCopy : IDisposable
{
    private static readonly string[] NotCopied = [".git", "artifacts", "bin", "obj", "node_modules", ".state", "_framework"];

    private readonly TempDirectory _folder = new();

    /// <summary>Copies the repository that the tests were built from.</summary>
    public CleanCopy() => Copy(Repository.Root, _folder.Path);

    /// <summary>A path below it.</summary>
    public string this[string name] => _folder[name];

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from))
        {
            // Keeps the mode: scripts stay executable.
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }

        foreach (string folder in Directory.EnumerateDirectories(from).Where(static path => !NotCopied.Contains(Path.GetFileName(path))))
        {
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
        }
    }
}
