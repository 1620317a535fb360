namespace Discovery.Simulator.Disk;

/// <summary>What the system says when a disk fails.</summary>
internal sealed class DiskFaultException(string what, string path) : IOException($"{what}: {path}");
