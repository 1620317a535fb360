namespace Discovery.Store.Tests.Log;

/// <summary>
/// Follows the steps of a <see cref="TracedDisk"/> and says what a power cut could leave at the point that it has come
/// to.
/// </summary>
internal sealed class PowerCut
{
    private const int SectorBytes = 512;

    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<int, byte[]> _durable = [];
    private readonly Dictionary<int, List<DiskStep>> _writes = [];
    private readonly List<DiskStep> _changes = [];

    public PowerCut(TracedDisk disk)
    {
        foreach ((string path, (int file, byte[] bytes)) in disk.Start)
        {
            _names[path] = file;
            _durable[file] = bytes;
        }
    }

    public void Do(DiskStep step)
    {
        switch (step.Kind)
        {
            case StepKind.Write:
                Writes(step.File).Add(step);
                break;
            case StepKind.Sync:
                _durable[step.File] = Content(step.File, static _ => true);
                Writes(step.File).Clear();
                break;
            case StepKind.SyncFolder:
                Apply(_names, _changes.Where(change => Path.GetDirectoryName(change.Path) == step.Path));
                _changes.RemoveAll(change => Path.GetDirectoryName(change.Path) == step.Path);
                break;
            default:
                _changes.Add(step);
                break;
        }
    }

    /// <summary>What is left when each sector and each name is kept by chance.</summary>
    public MemoryDisk Leave(Random random, double keeps)
    {
        var names = new Dictionary<string, int>(_names, StringComparer.Ordinal);
        Apply(names, [.. _changes.Where(_ => random.NextDouble() < keeps)]);
        var disk = new MemoryDisk();
        foreach ((string path, int file) in names)
        {
            disk.SetBytes(path, Content(file, _ => random.NextDouble() < keeps));
        }

        return disk;
    }

    private static void Apply(Dictionary<string, int> names, IEnumerable<DiskStep> changes)
    {
        foreach (DiskStep change in changes)
        {
            switch (change.Kind)
            {
                case StepKind.Create:
                    names[change.Path] = change.File;
                    break;
                case StepKind.Delete:
                    RemoveOwn(names, change);
                    break;
                default:
                    RemoveOwn(names, change);
                    names[change.To] = change.File;
                    break;
            }
        }
    }

    /// <summary>A name that another file has got meanwhile stays: the change before it did not reach the disk.</summary>
    private static void RemoveOwn(Dictionary<string, int> names, DiskStep change)
    {
        if (names.TryGetValue(change.Path, out int file) && file == change.File)
        {
            names.Remove(change.Path);
        }
    }

    private List<DiskStep> Writes(int file) =>
        _writes.TryGetValue(file, out List<DiskStep>? writes) ? writes : _writes[file] = [];

    private byte[] Content(int file, Func<int, bool> keeps)
    {
        byte[] content = [.. _durable.GetValueOrDefault(file, [])];
        foreach (DiskStep write in Writes(file))
        {
            for (int from = write.Offset, end = write.Offset + write.Bytes.Length; from < end;)
            {
                int to = Math.Min(end, (from / SectorBytes * SectorBytes) + SectorBytes);
                if (keeps(from / SectorBytes))
                {
                    if (content.Length < to)
                    {
                        Array.Resize(ref content, to);
                    }

                    write.Bytes.AsSpan(from - write.Offset, to - from).CopyTo(content.AsSpan(from));
                }

                from = to;
            }
        }

        return content;
    }
}
