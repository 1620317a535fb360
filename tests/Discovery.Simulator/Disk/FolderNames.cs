using Discovery.Simulator.Time;

namespace Discovery.Simulator.Disk;

/// <summary>
/// The names of the files of a disk, as the cache has them, and those that are durable. What was done to names and not
/// followed by a sync of the folder may be lost with the power, each by itself or all from some point on.
/// </summary>
internal sealed class FolderNames
{
    private readonly SortedDictionary<string, FileContent> _names = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, FileContent> _durable = new(StringComparer.Ordinal);
    private readonly List<Change> _pending = [];

    public IEnumerable<KeyValuePair<string, FileContent>> All => _names;

    public FileContent? Find(string path) => _names.GetValueOrDefault(path);

    public void Set(string path, FileContent file) => Do(new Change(null, path, file));

    public void Rename(string from, string to) => Do(new Change(from, to, _names[from]));

    public void Remove(string path) => Do(new Change(path, null, null));

    /// <summary>Names of a folder, sorted.</summary>
    public List<string> In(string folder)
    {
        var names = new List<string>();
        foreach (string path in _names.Keys)
        {
            if (path.Length > folder.Length + 1
                && path.StartsWith(folder, StringComparison.Ordinal)
                && path[folder.Length] == '/'
                && path.LastIndexOf('/') == folder.Length)
            {
                names.Add(path[(folder.Length + 1)..]);
            }
        }

        return names;
    }

    public void Sync(string folder)
    {
        _pending.RemoveAll(change =>
        {
            bool here = FolderOf(change.To ?? change.From!) == folder;
            if (here)
            {
                Apply(change, _durable);
            }

            return here;
        });
    }

    public void LosePower(Chance chance)
    {
        if (_pending.Count > 0)
        {
            // A journal keeps the order, so a number of them from the first on; a system without one keeps any.
            bool inOrder = chance.Happens(0.7);
            int kept = chance.Between(0, _pending.Count);
            for (int i = 0; i < _pending.Count; i++)
            {
                if (inOrder ? i < kept : chance.Happens(0.5))
                {
                    Apply(_pending[i], _durable);
                }
            }

            _pending.Clear();
        }

        _names.Clear();
        foreach ((string path, FileContent file) in _durable)
        {
            _names[path] = file;
            file.LosePower(chance);
        }
    }

    private void Do(Change change)
    {
        Apply(change, _names);
        _pending.Add(change);
    }

    private static void Apply(in Change change, SortedDictionary<string, FileContent> names)
    {
        if (change.From is not null)
        {
            _ = names.Remove(change.From);
        }

        if (change.To is not null)
        {
            names[change.To] = change.File!;
        }
    }

    private static string FolderOf(string path) => path[..Math.Max(0, path.LastIndexOf('/'))];

    /// <summary>From is gone, To is the file; either may be null.</summary>
    private readonly record struct Change(string? From, string? To, FileContent? File);
}
