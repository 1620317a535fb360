using System.Runtime.InteropServices;

namespace Discovery.Testing;

/// <summary>Where things lie in the source tree that the running tests were built from.</summary>
public static class Repository
{
    /// <summary>The folder of Discovery.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The folder of everything built; tests leave screenshots and logs below it.</summary>
    public static string Artifacts { get; } = Path.Combine(Root, "artifacts");

    /// <summary>The program's executable, built in the configuration of the running tests.</summary>
    /// <param name="project">Such as <c>Discovery.Sidecar</c>.</param>
    /// <param name="executable">Such as <c>discovery</c>.</param>
    public static string Program(string project, string executable)
    {
        string configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        string path = Path.Combine(Artifacts, "bin", project, configuration, executable);
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException($"{path} is not built; run: dotnet build Discovery.sln -c {configuration}");
    }

    /// <summary>The .NET installation that runs the tests, for the programs' executables to find theirs.</summary>
    public static string DotnetRoot { get; } = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Discovery.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No Discovery.sln above {AppContext.BaseDirectory}; the tests run from artifacts/bin");
    }
}
