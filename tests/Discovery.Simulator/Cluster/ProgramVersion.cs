using Discovery.Simulator.Time;
using Discovery.Store.Keyspace;

namespace Discovery.Simulator.Cluster;

/// <summary>
/// Which version of the program a machine starts: hosts are updated one by one, and some are put back. An old program ends
/// where all have been new, and only there.
/// </summary>
internal sealed class ProgramVersion(SimulatedCluster cluster, Chance chance)
{
    private uint _level;
    private bool _wasNew;
    private bool _mustBeNew;

    /// <summary>The level of the next process.</summary>
    public uint Next()
    {
        if (!cluster.MixesVersions || _mustBeNew || cluster.FeatureLevel == FeatureLevels.Latest)
        {
            // Who puts a host back where all have been new finds that it does not start; here nobody tries.
            _level = FeatureLevels.Latest;
        }
        else if (_level == 0 || chance.Happens(0.3))
        {
            uint before = _level;
            _level = chance.Happens(before == 0 ? 0.6 : 0.3) ? FeatureLevels.Base : FeatureLevels.Latest;
            cluster.Simulation.Tally.Add(before == 0 || _level == before ? "programs kept" : _level > before ? "programs updated" : "programs put back");
        }

        _wasNew |= _level == FeatureLevels.Latest;
        return _level;
    }

    /// <summary>
    /// The process ended because it was too old. That is right where it was newer before, and the others, who had its word,
    /// went on; false where it never was.
    /// </summary>
    public bool IsTooOld()
    {
        _mustBeNew = true;
        return _wasNew;
    }
}
