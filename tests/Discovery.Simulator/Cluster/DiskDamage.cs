namespace Discovery.Simulator.Cluster;

/// <summary>What a disk had promised to keep and does not.</summary>
/// <param name="Life">The life of the member in which it happened; only a later one can know.</param>
/// <param name="CommitIndex">What was committed then; who holds that again has made it good.</param>
/// <param name="OnlyReads">Reads failed, and nothing is wrong unless a start met that.</param>
internal sealed record DiskDamage(long Life, ulong CommitIndex, bool OnlyReads = false);
