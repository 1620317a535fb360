namespace Discovery.Simulator.Disk;

/// <summary>What the simulated disks are like.</summary>
internal static class DiskLimits
{
    /// <summary>Bytes that a disk writes whole or not at all.</summary>
    public const int SectorBytes = 512;
}
