namespace Discovery.Catalog.Tests;

public sealed class StoreAddressTests
{
    [Theory]
    [InlineData("etcd://h1", "http://h1:2379/")]
    [InlineData("etcd://h1:4001/", "http://h1:4001/")]
    [InlineData("etcd://h1,h2:1,[::1]", "http://h1:2379/ http://h2:1/ http://[::1]:2379/")]
    [InlineData("etcds://h1", "https://h1:2379/")]
    public void Endpoints_get_the_default_port(string url, string expected) =>
        Assert.Equal(expected, string.Join(' ', StoreAddress.Parse(url).Endpoints));

    [Fact]
    public void Credentials_are_read_and_never_shown()
    {
        var address = StoreAddress.Parse("etcd://sidecar:p%40ss@h1:2379,h2:2379");

        Assert.Equal("sidecar", address.User);
        Assert.Equal("p@ss", address.Password);
        Assert.Equal("h1:2379,h2:2379", address.ToString());
    }

    [Fact]
    public void Embedded_has_no_endpoints() => Assert.True(StoreAddress.Parse("embedded").IsEmbedded);

    [Theory]
    [InlineData("http://h1:2379", "--store is \"http://h1:2379\"; it must be embedded, etcd://host:2379[,host:2379…] or etcds://…")]
    [InlineData("etcd://", "--store is \"etcd://\"; \"\" is not host or host:port")]
    [InlineData("etcd://h1,,h2", "--store is \"etcd://h1,,h2\"; \"\" is not host or host:port")]
    [InlineData("etcd://h1:x", "--store is \"etcd://h1:x\"; \"h1:x\" is not host or host:port")]
    [InlineData("etcd://u:secret@h1/x", "--store is \"etcd://…@h1/x\"; \"h1/x\" is not host or host:port")]
    public void A_wrong_address_is_named_without_its_password(string url, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => StoreAddress.Parse(url)).Message);

    [Fact]
    public void Certificates_need_tls_and_a_key()
    {
        Assert.Contains("etcds://", Assert.Throws<FormatException>(() => StoreAddress.Parse("etcd://h", caFile: "ca.pem")).Message, StringComparison.Ordinal);
        Assert.Contains("--store-key is missing", Assert.Throws<FormatException>(() => StoreAddress.Parse("etcds://h", certFile: "c.pem")).Message, StringComparison.Ordinal);
        Assert.Contains("nowhere.pem", Assert.Throws<FormatException>(() => StoreAddress.Parse("etcds://h", caFile: "nowhere.pem")).Message, StringComparison.Ordinal);
    }
}
