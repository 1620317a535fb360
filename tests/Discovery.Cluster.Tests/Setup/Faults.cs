using Discovery.Testing;

namespace Discovery.Cluster.Tests.Setup;

/// <summary>Faults that take time.</summary>
public static class Faults
{
    /// <summary>Flags that make etcd 3.4 hold elections as 3.5 and ours do: no term is raised by who cannot win.</summary>
    public static IReadOnlyList<string> PreVote { get; } = TestRun.Engine == StoreEngine.Etcd ? ["--pre-vote"] : [];

    /// <summary>Lets a fault last: the time is the fault itself, nothing is waited for.</summary>
    public static Task LastAsync(TimeSpan time) => Task.Delay(time, TimeProvider.System);

    /// <summary>Suspends a member for a while.</summary>
    public static async Task SuspendAsync(RunningMember member, TimeSpan time)
    {
        member.Suspend();
        await LastAsync(time);
        member.Resume();
    }
}
