namespace Discovery.Simulator.Cluster;

/// <summary>What a disk had promised to keep and does not.</summary>
/// <param name="Life">The life of the member in which it happened; only a later one can know.</param>
/// <param name="CommitIndex">What was committed then; who holds that again has made it good.</param>
internal sealed record DiskDamage(long Life, ulong CommitIndex);
