using Discovery.Simulator.Time;

namespace Discovery.Simulator.Disk;

/// <summary>
/// The content of a file, twice: as the system's cache shows it, and as the disk has it. What was written and not yet
/// synced is known by its sectors; a sector is written whole or not at all.
/// </summary>
internal sealed class FileContent
{
    private readonly SortedSet<int> _dirty = [];
    private byte[] _cached = [];
    private byte[] _durable = [];
    private int _durableLength;

    /// <summary>As the cache has it.</summary>
    public int Length { get; private set; }

    /// <summary>Whether a part of it cannot be read.</summary>
    public bool IsUnreadable { get; set; }

    public int Read(long offset, Span<byte> into)
    {
        int count = (int)Math.Clamp(Length - offset, 0, into.Length);
        _cached.AsSpan((int)offset, count).CopyTo(into);
        return count;
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        int end = (int)offset + bytes.Length;
        if (end > _cached.Length)
        {
            Array.Resize(ref _cached, Math.Max(end, _cached.Length * 2));
        }

        Length = Math.Max(Length, end);
        bytes.CopyTo(_cached.AsSpan((int)offset));
        for (int sector = (int)offset / DiskLimits.SectorBytes; sector * DiskLimits.SectorBytes < end; sector++)
        {
            _ = _dirty.Add(sector);
        }

        // A bad sector that is written again is replaced by a spare one.
        IsUnreadable = false;
    }

    /// <summary>Everything that was written is on the disk.</summary>
    public void Sync()
    {
        Reserve(Length);
        foreach (int sector in _dirty)
        {
            Persist(sector);
        }

        _dirty.Clear();
        _durableLength = Length;
    }

    /// <summary>
    /// The sync fails. What Linux does then: some of it is on the disk, the cache shows all of it, and the next sync
    /// knows of nothing to write.
    /// </summary>
    public void FailSync(Chance chance)
    {
        Reserve(Length);
        PersistSome(chance);
        _dirty.Clear();
    }

    /// <summary>The power is cut: of what was not synced, some sectors were written, in any order.</summary>
    public void LosePower(Chance chance)
    {
        if (_dirty.Count > 0 || Length != _durableLength)
        {
            Reserve(Length);
            PersistSome(chance);
            _dirty.Clear();
        }

        Length = _durableLength;
        _durable.AsSpan(0, Length).CopyTo(_cached);
    }

    /// <summary>One bit changes where something is written; false when nothing is.</summary>
    public bool FlipBit(Chance chance)
    {
        int used = _durable.AsSpan(0, _durableLength).LastIndexOfAnyExcept((byte)0) + 1;
        if (used == 0)
        {
            return false;
        }

        int at = chance.Below(used);
        byte bit = (byte)(1 << chance.Below(8));
        _durable[at] ^= bit;
        _cached[at] ^= bit;
        return true;
    }

    /// <summary>As the disk has it.</summary>
    public ReadOnlySpan<byte> Durable => _durable.AsSpan(0, _durableLength);

    private void PersistSome(Chance chance)
    {
        double kept = chance.Below(4) switch { 0 => 0, 1 => 1, _ => chance.Fraction() };
        bool keepsLength = chance.Happens(kept);
        int length = keepsLength ? Length : _durableLength;
        foreach (int sector in _dirty)
        {
            if (sector * DiskLimits.SectorBytes < length && chance.Happens(kept))
            {
                Persist(sector);
            }
        }

        _durableLength = length;
    }

    private void Persist(int sector)
    {
        int start = sector * DiskLimits.SectorBytes;
        int count = Math.Min(DiskLimits.SectorBytes, Length - start);
        if (count > 0)
        {
            _cached.AsSpan(start, count).CopyTo(_durable.AsSpan(start));
        }
    }

    private void Reserve(int length)
    {
        if (_durable.Length < length)
        {
            Array.Resize(ref _durable, Math.Max(length, _cached.Length));
        }
    }
}
