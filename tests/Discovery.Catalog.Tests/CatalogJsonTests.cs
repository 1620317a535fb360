using System.Text;

namespace Discovery.Catalog.Tests;

/// <summary>The record is a public interface: its text is pinned here, and only ever extended.</summary>
public sealed class CatalogJsonTests
{
    private const string Golden =
        """
        {"id":"host2:web-1:8080","service":"web","host":"host2","address":"10.0.0.2","port":32770,"protocol":"tcp","tags":["blue"],"meta":{"team":"shop"},"weight":1,"health":"passing","state":"active","checks":[{"name":"docker","type":"docker","status":"passing","output":"ok","changedAt":"2026-11-20T12:00:00+00:00"}],"routes":[{"host":"shop.example.com","path":"/api","source":"label discovery.host"},{"source":"SERVICE_NAME"}],"rejected":[{"label":"discovery.prot","value":"8080","reason":"unknown label; did you mean discovery.port?"}],"addresses":[],"container":{"id":"c1","name":"web-1","image":"shop/web:7","project":"shop","service":"web","configHash":"h"},"registeredAt":"2026-11-20T12:00:00+00:00"}
        """;

    [Fact]
    public void An_instance_is_written_as_documented()
    {
        (ServiceInstance? instance, string? problem) = CatalogJson.Read<ServiceInstance>(Encoding.UTF8.GetBytes(Golden));

        Assert.Null(problem);
        Assert.Equal(Golden, Encoding.UTF8.GetString(CatalogJson.Write(instance!)));
    }

    [Fact]
    public void Two_reads_of_one_value_are_equal()
    {
        byte[] value = Encoding.UTF8.GetBytes(Golden);

        Assert.Equal(CatalogJson.Read<ServiceInstance>(value).Record, CatalogJson.Read<ServiceInstance>(value).Record);
        Assert.Equal(
            CatalogJson.Read<ServiceInstance>(value).Record!.GetHashCode(),
            CatalogJson.Read<ServiceInstance>(value).Record!.GetHashCode());
    }

    [Fact]
    public void Only_four_fields_are_required()
    {
        (ServiceInstance? instance, _) = CatalogJson.Read<ServiceInstance>("""{"id":"a","service":"web","address":"::1","port":80,"later":{"x":1}}"""u8);

        Assert.NotNull(instance);
        Assert.Equal(Health.Passing, instance.Health);
        Assert.True(instance.TakesRequests);
        Assert.Equal("[::1]:80", instance.Endpoint);
        Assert.Empty(instance.Routes);
        Assert.Equal(1, instance.Weight);
        Assert.Null(InstanceRules.Problem(instance));
    }

    [Theory]
    [InlineData("""{"id":"a","service":"web","address":"h"}""", "port")]
    [InlineData("""{"id":"a","service":"web","address":"h","port":"80"}""", "port")]
    [InlineData("""{"id":"a","service":"web","address":"h","port":80,"health":"fine"}""", "health")]
    [InlineData("not json", "invalid")]
    [InlineData("null", "null")]
    public void A_wrong_value_names_its_field(string value, string named)
    {
        (ServiceInstance? instance, string? problem) = CatalogJson.Read<ServiceInstance>(Encoding.UTF8.GetBytes(value));

        Assert.Null(instance);
        Assert.Contains(named, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_fields_of_a_route_are_kept_for_the_proxy_to_refuse()
    {
        (ServiceInstance? instance, _) = CatalogJson.Read<ServiceInstance>(
            """{"id":"a","service":"web","address":"h","port":1,"routes":[{"host":"x","mirror":"y"}]}"""u8);

        Assert.Equal("mirror", Assert.Single(instance!.Routes[0].Unknown!).Key);
    }

    [Theory]
    [InlineData("Web", "service is \"Web\"")]
    [InlineData("", "service is \"\"")]
    [InlineData("a/b", "service is \"a/b\"")]
    public void A_wrong_service_name_is_a_problem(string name, string expected) => Assert.Contains(
        expected,
        InstanceRules.Problem(new() { Id = "a", Service = name, Address = "h", Port = 1 }),
        StringComparison.Ordinal);
}
