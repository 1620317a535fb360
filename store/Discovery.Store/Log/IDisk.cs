namespace Discovery.Store.Log;

/// <summary>
/// The files of one data directory; paths are relative to it. The one seam that exists for the simulator: a fault of a
/// disk cannot be made through a socket or a clock.
/// </summary>
internal interface IDisk
{
    /// <summary>The directory, as an operator would name it.</summary>
    string Root { get; }

    /// <summary>Makes the folder and those above it, durably. No error when it exists.</summary>
    void CreateFolder(string path);

    /// <summary>Names of the files in a folder, sorted; empty when there is no folder.</summary>
    IReadOnlyList<string> List(string folder);

    /// <summary>Makes an empty file, in place of one that exists.</summary>
    IDiskFile Create(string path);

    /// <summary>Opens a file that exists.</summary>
    IDiskFile Open(string path);

    /// <summary>Gives a file its name in one step, in place of one that has it; durable after <see cref="SyncFolder"/>.</summary>
    void Rename(string from, string to);

    /// <summary>Removes a file.</summary>
    void Delete(string path);

    /// <summary>Makes names that were created, changed or removed in the folder durable.</summary>
    void SyncFolder(string path);

    /// <summary>Keeps every other process out until it is disposed.</summary>
    /// <exception cref="StoreDataException">Somebody else has it.</exception>
    IDisposable Lock(string path);
}

/// <summary>An open file of a data directory.</summary>
internal interface IDiskFile : IDisposable
{
    /// <summary>Bytes.</summary>
    long Length { get; }

    /// <summary>Fills the buffer from the offset; less only at the end of the file.</summary>
    int Read(long offset, Span<byte> into);

    /// <summary>Writes all of it; durable only after <see cref="Sync"/>.</summary>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Waits until everything written is on the disk. After an error nothing that was written may be trusted.</summary>
    void Sync();
}
