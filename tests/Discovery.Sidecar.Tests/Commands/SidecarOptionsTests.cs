using Discovery.Sidecar.DropIn;
using Discovery.Sidecar.Mirrors;

namespace Discovery.Sidecar.Tests.Commands;

/// <summary>Times that registrator's users may leave at 0 must not reach what cannot live with that.</summary>
public sealed class SidecarOptionsTests
{
    [Theory]
    [InlineData(15, 5, 30, null)]
    [InlineData(0, 0, 30, "--ttl is 0ms; it must be a time from 5s to 1h")]
    [InlineData(7200, 5, 30, "--ttl is 2h; it must be a time from 5s to 1h")]
    [InlineData(15, 0, 30, "--ttl-refresh is 0ms; it must be at least 1s")]
    [InlineData(15, 15, 30, "--ttl-refresh is 15s; it must be below --ttl (15s)")]
    [InlineData(15, 5, 0.1, "--resync is 100ms; it must be at least 1s, or 0 for the default")]
    public void Catalog_needs_a_lease_that_is_renewed_in_time(double ttl, double refresh, double resync, string? problem) =>
        Assert.Equal(problem, Options(ttl, refresh, resync).Problems().SingleOrDefault());

    [Theory]
    [InlineData(0, 0, null)]
    [InlineData(30, 10, null)]
    [InlineData(86400, 10, null)]
    [InlineData(30, 0, "-ttl and -ttl-refresh go together: give both, or none")]
    [InlineData(10, 30, "-ttl-refresh is 30s; it must be below -ttl (10s)")]
    public void In_registrator_s_place_there_need_be_none(double ttl, double refresh, string? problem)
    {
        var dropIn = new DropInOptions { Registry = MirrorUri.Parse("etcd://127.0.0.1:2379/services", static _ => null) };

        Assert.Equal(problem, (Options(ttl, refresh, 30) with { DropIn = dropIn }).Problems().SingleOrDefault());
    }

    private static SidecarOptions Options(double ttl, double refresh, double resync) => new()
    {
        Ttl = TimeSpan.FromSeconds(ttl),
        TtlRefresh = TimeSpan.FromSeconds(refresh),
        Resync = TimeSpan.FromSeconds(resync),
    };
}
