using Discovery.Sidecar.Commands;

namespace Discovery.Sidecar.Tests.Commands;

public sealed class DiscoveryCommandTests
{
    [Theory]
    [InlineData(null, "etcd://127.0.0.1:2379")]
    [InlineData("nonsense", "etcd://127.0.0.1:2379")]
    [InlineData("http://127.0.0.1:12379", "etcd://127.0.0.1:12379")]
    [InlineData("http://0.0.0.0:12379,http://0.0.0.0:4001", "etcd://127.0.0.1:12379")]
    [InlineData("http://[::1]:12379", "etcd://[::1]:12379")]
    public void Operator_commands_ask_the_store_that_listens_beside_them(string? listenUrls, string expected) =>
        Assert.Equal(expected, DiscoveryCommand.LocalStoreOf(listenUrls));
}
