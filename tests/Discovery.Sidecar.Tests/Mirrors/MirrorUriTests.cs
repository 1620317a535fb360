using Discovery.Sidecar.Mirrors;

namespace Discovery.Sidecar.Tests.Mirrors;

public sealed class MirrorUriTests
{
    [Theory]
    [InlineData("etcd://10.0.0.1:2379/services", "Etcd", "10.0.0.1:2379", "/services")]
    [InlineData("etcd://", "Etcd", "127.0.0.1:2379", "")]
    [InlineData("etcd2://h/a/b/", "Etcd2", "h:2379", "/a/b")]
    [InlineData("etcd3://h1:1,h2:2/x", "Etcd3", "h1:1,h2:2", "/x")]
    [InlineData("etcd3://[::1]:2379/x", "Etcd3", "[::1]:2379", "/x")]
    [InlineData("skydns2://h/cluster.local", "Skydns2", "h:2379", "/skydns/local/cluster")]
    [InlineData("coredns://h:2379/skydns?zone=service.local", "Coredns", "h:2379", "/skydns/local/service")]
    [InlineData("coredns://h", "Coredns", "h:2379", "/skydns/local")]
    [InlineData("consul://", "Consul", "127.0.0.1:8500", "")]
    [InlineData("consul://h:8501", "Consul", "h:8501", "")]
    [InlineData("consulkv://h/a", "ConsulKv", "h:8500", "/a")]
    [InlineData("zookeeper://h/base", "Zookeeper", "h:2181", "/base")]
    public void Registrators_uris_are_understood(string text, string kind, string hosts, string path)
    {
        MirrorUri uri = MirrorUri.Parse(text, static _ => null);

        Assert.Equal(kind, uri.Kind.ToString());
        Assert.Equal(hosts, string.Join(',', uri.Hosts));
        Assert.Equal(path, uri.Path);
    }

    [Fact]
    public void Sockets_are_understood()
    {
        MirrorUri agent = MirrorUri.Parse("consul-unix:///var/run/consul.sock", static _ => null);
        MirrorUri pairs = MirrorUri.Parse("consulkv-unix:///var/run/consul.sock:/services", static _ => null);

        Assert.Equal(("/var/run/consul.sock", ""), (agent.Socket, agent.Path));
        Assert.Equal(("/var/run/consul.sock", "/services"), (pairs.Socket, pairs.Path));
    }

    [Fact]
    public void Consul_is_set_up_by_its_variables()
    {
        var environment = new Dictionary<string, string?>
        {
            ["CONSUL_HTTP_TOKEN"] = "secret",
            ["CONSUL_HTTP_AUTH"] = "me:you",
            ["CONSUL_CACERT"] = "ca",
            ["CONSUL_TLSCERT"] = "old cert",
            ["CONSUL_CLIENT_CERT"] = "cert",
            ["CONSUL_TLSKEY"] = "key",
        };

        MirrorUri uri = MirrorUri.Parse("consul-tls://h", environment.GetValueOrDefault);

        Assert.Equal(("secret", "me", "you"), (uri.Token, uri.User, uri.Password));
        Assert.Equal((true, "ca", "cert", "key"), (uri.IsTls, uri.CaFile, uri.CertFile, uri.KeyFile));
        Assert.DoesNotContain("secret", uri.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("etcd", "must be one of etcd://")]
    [InlineData("redis://h", "must be one of etcd://")]
    [InlineData("skydns2://h", "needs a DNS domain")]
    [InlineData("zookeeper:///base", "needs a host")]
    [InlineData("etcd://h:port/x", "\"h:port\" is not host or host:port")]
    [InlineData("etcd://h/a/../b", "must not have the parts . or ..")]
    [InlineData("coredns://h?zon=x", "\"zon\" is not known")]
    [InlineData("etcd://h/x?cert=a", "cert= and key= go together")]
    [InlineData("consulkv-unix:///sock", "must be one of")]
    public void Wrong_uri_is_refused_in_one_line(string text, string part)
    {
        string message = Assert.Throws<FormatException>(() => MirrorUri.Parse(text, static _ => null)).Message;

        Assert.Contains(part, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Password_is_in_no_message()
    {
        MirrorUri uri = MirrorUri.Parse("etcd://me:p%40ss@h/x", static _ => null);

        Assert.Equal(("me", "p@ss", "etcd://h:2379/x"), (uri.User, uri.Password, uri.ToString()));
        Assert.DoesNotContain("p%40ss", Assert.Throws<FormatException>(() => MirrorUri.Parse("etcd://me:p%40ss@h:x/y", static _ => null)).Message, StringComparison.Ordinal);
    }
}
