using System.Net;

namespace Discovery.Sidecar.Tests;

public sealed class HostNetworkTests
{
    private static readonly HostNetwork Host = new()
    {
        DefaultInterface = "eth0",
        Addresses =
        [
            new("docker0", IPAddress.Parse("172.17.0.1")), new("eth0", IPAddress.Parse("fd00::2")), new("eth0", IPAddress.Parse("10.0.0.2")),
        ],
    };

    [Fact]
    public void Given_address_wins() => Assert.Equal(("192.168.1.1", null), Host.Address(IPAddress.Parse("192.168.1.1"), "10.9.9.9"));

    [Fact]
    public void Default_route_s_interface_gives_its_IPv4_address() => Assert.Equal(("10.0.0.2", null), Host.Address(null, "10.9.9.9"));

    [Fact]
    public void Bridged_container_takes_Swarm_s_address() =>
        Assert.Equal(("10.9.9.9", null), (Host with { IsBridged = true }).Address(null, "10.9.9.9"));

    [Theory]
    [InlineData(true, "eth0", "--net=host")]
    [InlineData(false, null, "no default route")]
    [InlineData(false, "docker0", "no default route")]
    [InlineData(false, "br-0123456789ab", "no default route")]
    public void Without_an_address_of_the_host_services_are_for_this_host_only_and_the_flag_is_named(bool isBridged, string? route, string said)
    {
        (string address, string? warning) = (Host with { IsBridged = isBridged, DefaultInterface = route }).Address(null, "");

        Assert.Equal("127.0.0.1", address);
        Assert.Contains("-ip <", warning, StringComparison.Ordinal);
        Assert.Contains(said, warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Default_route_with_the_lowest_metric_counts()
    {
        string[] lines =
        [
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
            "wlan0\t00000000\t010200C0\t0003\t0\t0\t600\t00000000\t0\t0\t0",
            "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0",
            "docker0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
            "eth1\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0",
        ];

        Assert.Equal("eth0", HostNetwork.DefaultRoute(lines));
    }

    [Fact]
    public void Own_container_is_found_by_the_mount_of_its_host_name()
    {
        string id = new('a', 64);

        Assert.Equal(id, HostNetwork.OwnContainerId(
        [
            "1 2 0:1 / / rw - overlay overlay rw",
            $"3 1 8:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw,relatime - ext4 /dev/sda1 rw",
        ]));
        Assert.Null(HostNetwork.OwnContainerId(["1 2 0:1 / / rw - overlay overlay rw"]));
    }
}
