using System.Diagnostics;
using Discovery.Testing;
using static Discovery.Sidecar.Tests.Mirrors.MirrorCases;

namespace Discovery.Sidecar.Tests.Mirrors;

/// <summary>What has a time to live, against the real servers; apart from the others because most of it is waiting.</summary>
public sealed class MirrorLifetimeTests
{
    [Theory]
    [InlineData("etcd2")]
    [InlineData("etcd3")]
    [InlineData("skydns2")]
    [InlineData("coredns")]
    [InlineData("zookeeper")]
    public async Task Entries_live_as_long_as_the_mirror_and_their_time_to_live(string scheme)
    {
        await using ForeignStore store = await ForeignStore.ForAsync(scheme);
        await using (var mirror = new RunningMirror(Uri(scheme, store), WithTtl))
        {
            await mirror.ReachAsync(Web, Api);
            long start = Stopwatch.GetTimestamp();
            int missing = 0;
            await Eventually.HoldsAsync(async () =>
            {
                missing += (await store.ContentAsync()).Count == 2 ? 0 : 1;
                return Stopwatch.GetElapsedTime(start) > WithTtl.Ttl * 2;
            });
            Assert.Equal(0, missing);
            Assert.Equal(2, mirror.Status.Puts);
        }

        await HoldsAsync(store, scheme);
    }

    /// <summary>A container that failed under <c>-deregister on-success</c>: registrator stops renewing and lets the TTL decide.</summary>
    [Theory]
    [InlineData("etcd2")]
    [InlineData("etcd3")]
    public async Task Lapsing_entry_stays_for_its_time_to_live_and_goes_while_others_stay(string scheme)
    {
        await using ForeignStore store = await ForeignStore.ForAsync(scheme);
        await using var mirror = new RunningMirror(Uri(scheme, store), WithTtl);
        await mirror.ReachAsync(Web, Api);

        await mirror.ReachAsync(Web with { IsLapsing = true }, Api);
        var atFirst = await store.ContentAsync();

        Assert.Equal(Expected(scheme, Web, Api), atFirst);
        await HoldsAsync(store, scheme, Api);
    }
}
