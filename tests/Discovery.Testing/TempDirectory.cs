namespace Discovery.Testing;

/// <summary>A folder of one test, gone with it.</summary>
public sealed class TempDirectory : IDisposable
{
    /// <summary>Its full path; short, because the names of Unix sockets end at 107 bytes.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("dsc-").FullName;

    /// <summary>A path below it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Deletes it with all its contents.</summary>
    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // A test may have deleted it itself.
        }
    }
}
