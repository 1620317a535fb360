using Discovery.Simulator.Checks;

namespace Discovery.Simulator.Workload;

/// <summary>The watches that clients hold open.</summary>
internal sealed class WatchLedger
{
    private readonly List<WatchCheck> _open = [];

    public void Open(WatchCheck watch) => _open.Add(watch);

    public void Close(WatchCheck watch) => _open.Remove(watch);

    /// <summary>All is quiet: each must have been sent everything.</summary>
    public void CaughtUp()
    {
        foreach (WatchCheck watch in _open)
        {
            watch.CaughtUp();
        }
    }
}
