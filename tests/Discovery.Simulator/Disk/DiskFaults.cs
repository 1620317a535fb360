using Discovery.Simulator.Time;

namespace Discovery.Simulator.Disk;

/// <summary>What a process asks of its disk.</summary>
internal enum DiskOperation
{
    Read,

    /// <summary>Of bytes that the file has.</summary>
    Write,

    /// <summary>Of bytes beyond the file's end, or of a new file.</summary>
    Grow,
    Sync,

    /// <summary>A name is changed or removed.</summary>
    Name,
    SyncFolder,
}

/// <summary>What is wrong with a disk now; set by the plan of faults, heeded at each operation.</summary>
internal sealed class DiskFaults(Chance chance)
{
    private int _untilCrash;

    public Chance Chance => chance;

    /// <summary>Probability that an operation of the kind fails with EIO.</summary>
    public double ReadError { get; set; }

    public double WriteError { get; set; }

    public double SyncError { get; set; }

    /// <summary>No byte more: writes fail with ENOSPC.</summary>
    public bool IsFull { get; set; }

    /// <summary>How much longer than usual a sync takes.</summary>
    public double Slowness { get; set; } = 1;

    /// <summary>Faults that were met.</summary>
    public int Met { get; private set; }

    /// <summary>The process dies at the n-th operation from now on; 0 for not at all.</summary>
    public void CrashAfter(int operations) => _untilCrash = operations;

    public void Clear()
    {
        (ReadError, WriteError, SyncError, IsFull, Slowness, _untilCrash) = (0, 0, 0, false, 1, 0);
    }

    /// <summary>Throws when the operation is not to succeed.</summary>
    public void Meet(DiskOperation operation, string path)
    {
        if (_untilCrash > 0 && --_untilCrash == 0)
        {
            throw new SimulatedCrashException($"{operation} of {path}");
        }

        if (IsFull && operation == DiskOperation.Grow)
        {
            Met++;
            throw new DiskFaultException("No space left on device", path);
        }

        double error = operation switch
        {
            DiskOperation.Read => ReadError,
            DiskOperation.Write or DiskOperation.Grow => WriteError,
            DiskOperation.Sync or DiskOperation.SyncFolder => SyncError,
            _ => 0,
        };
        if (chance.Happens(error))
        {
            Met++;
            throw new DiskFaultException("Input/output error", path);
        }
    }
}
