using Discovery.Store.Log;

namespace Discovery.Store.Consensus;

/// <summary>
/// An empty file that says that the member has formed its data and has not been let take part (<see cref="Formation"/>):
/// written before the log, removed before the first promise, so that neither a crash nor a restart by a supervisor gets
/// around the question.
/// </summary>
internal static class FormationMark
{
    private const string Folder = "member";
    private const string Name = "forming";
    private const string Path = Folder + "/" + Name;

    /// <summary>Whether it is there.</summary>
    public static bool Exists(IDisk disk) => disk.List(Folder).Contains(Name);

    /// <summary>Makes it, durably.</summary>
    public static void Make(IDisk disk)
    {
        disk.CreateFolder(Folder);
        using (IDiskFile file = disk.Create(Path))
        {
            file.Sync();
        }

        disk.SyncFolder(Folder);
    }

    /// <summary>Removes it, durably. No error when it is not there.</summary>
    public static void Remove(IDisk disk)
    {
        if (Exists(disk))
        {
            disk.Delete(Path);
            disk.SyncFolder(Folder);
        }
    }
}
