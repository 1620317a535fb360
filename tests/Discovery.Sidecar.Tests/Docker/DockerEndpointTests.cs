using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar.Tests.Docker;

public sealed class DockerEndpointTests
{
    [Theory]
    [InlineData("unix:///run/podman/podman.sock", "unix:///run/podman/podman.sock")]
    [InlineData("tcp://10.0.0.1:2375", "tcp://10.0.0.1:2375")]
    [InlineData("tcp://[fd00::1]:2375/", "tcp://[fd00::1]:2375")]
    public void Socket_and_port_are_read(string host, string expected) => Assert.Equal(expected, DockerEndpoint.Parse(host).ToString());

    [Theory]
    [InlineData("unix://docker.sock", "must start with /")]
    [InlineData("tcp://10.0.0.1", "tcp://host:port")]
    [InlineData("npipe:////./pipe/docker", "unix:///path")]
    [InlineData("/var/run/docker.sock", "unix:///path")]
    public void What_is_wrong_is_named(string host, string wanted)
    {
        var problem = Assert.Throws<FormatException>(() => DockerEndpoint.Parse(host));

        Assert.StartsWith($"DOCKER_HOST is \"{host}\"; ", problem.Message, StringComparison.Ordinal);
        Assert.Contains(wanted, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TLS_is_refused_and_not_left_out() =>
        Assert.Contains("DOCKER_TLS_VERIFY", Assert.Throws<FormatException>(() => DockerEndpoint.Parse("tcp://h:2376", "1")).Message, StringComparison.Ordinal);
}
