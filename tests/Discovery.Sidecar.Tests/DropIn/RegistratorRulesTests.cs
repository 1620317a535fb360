using System.Collections.Immutable;
using Discovery.Sidecar.Docker;
using Discovery.Sidecar.DropIn;
using Discovery.Sidecar.Mirrors;

namespace Discovery.Sidecar.Tests.DropIn;

/// <summary>What registrator does, as far as readers of its keys can see it, and its traps by name.</summary>
public sealed class RegistratorRulesTests
{
    private const string TwoPorts = "80/tcp=0.0.0.0:32768 443/tcp=0.0.0.0:32769";

    private static readonly RegistratorOptions Flags = new() { Hostname = "host2", HostAddress = "10.0.0.2" };

    [Theory]
    [InlineData("80/tcp=0.0.0.0:32768", "", "", "web")]
    [InlineData(TwoPorts, "", "", "web-443 web-80")]
    [InlineData(TwoPorts, "SERVICE_NAME=shop", "", "shop-443 shop-80")]
    [InlineData(TwoPorts, "SERVICE_80_NAME=plain", "", "web-443 plain")]
    [InlineData(TwoPorts, "SERVICE_443_IGNORE=1", "", "web-80")]
    [InlineData("80/tcp=0.0.0.0:32768 443/tcp", "", "", "web")]
    [InlineData("80/tcp=0.0.0.0:32768", "SERVICE_NAME=env", "SERVICE_NAME=label", "label")]
    [InlineData("80/tcp=0.0.0.0:32768", "SERVICE_80_NAME=port", "SERVICE_NAME=all", "port")]
    [InlineData("80/tcp=0.0.0.0:32768", "service_name=lower", "", "web")]
    [InlineData("80/tcp=0.0.0.0:32768", "SERVICE_NAME=Any Text/With:Signs", "", "Any Text/With:Signs")]
    [InlineData("53/tcp=0.0.0.0:53 53/udp=0.0.0.0:53", "", "", "web-53 web-53")]
    public void Name_is_that_of_the_port_the_container_or_the_image_with_the_port_in_a_group(string ports, string env, string labels, string expected) =>
        Assert.Equal(expected, string.Join(' ', Services(new() { Ports = ports, Env = env, Labels = labels }).Select(static s => s.Name)));

    /// <summary>Trap: an ignored port still makes the other one part of a group.</summary>
    [Fact]
    public void Ignored_port_counts_for_the_group() =>
        Assert.Equal("web-80", Assert.Single(Services(new() { Ports = TwoPorts, Env = "SERVICE_443_IGNORE=yes" })).Name);

    /// <summary>Trap: any value ignores, "false" too.</summary>
    [Theory]
    [InlineData("SERVICE_IGNORE=false")]
    [InlineData("SERVICE_80_IGNORE=0")]
    public void Anything_but_nothing_ignores(string env)
    {
        RegistratorVerdict verdict = Judge(new() { Env = env });

        Assert.Empty(verdict.Services);
        Assert.Contains("anything but nothing ignores", Assert.Single(verdict.Ignored), StringComparison.Ordinal);
    }

    [Fact]
    public void Empty_ignore_does_not_ignore() => Assert.Single(Services(new() { Env = "SERVICE_IGNORE=" }));

    [Theory]
    [InlineData("registry:5000/shop/web:7", "web")]
    [InlineData("web", "web")]
    [InlineData("sha256:8a3fbc0123456789", "sha256")]
    public void Image_is_cut_at_the_first_colon_after_the_last_slash(string image, string expected) =>
        Assert.Equal(expected, Assert.Single(Services(new() { Image = image })).Name);

    [Fact]
    public void Id_is_host_container_and_port_and_says_udp()
    {
        Assert.Equal(
            ["host2:web-1:53", "host2:web-1:53:udp"],
            Services(new() { Ports = "53/tcp=0.0.0.0:53 53/udp=0.0.0.0:53" }).Select(static s => s.Id));
        Assert.Equal("mine", Assert.Single(Services(new() { Env = "SERVICE_ID=mine" })).Id);
    }

    [Fact]
    public void Tags_are_a_set_of_the_container_s_the_forced_ones_and_udp()
    {
        MirroredService service = Assert.Single(Services(
            new() { Ports = "53/udp=0.0.0.0:53", Env = @"SERVICE_TAGS=b,a\,c,,b" }, Flags with { ForcedTags = static _ => "z,a" }));

        Assert.Equal(["a", "a,c", "b", "udp", "z"], service.Tags);
    }

    [Fact]
    public void Everything_else_is_an_attribute_the_port_s_own_words_first()
    {
        MirroredService service = Services(new() { Ports = TwoPorts, Env = "SERVICE_80_CHECK_HTTP=/up; SERVICE_CHECK_HTTP=/; SERVICE_443_X=no; SERVICE_Region=eu; SERVICE_NAME=n" })[1];

        Assert.Equal([new("check_http", "/up"), new("region", "eu")], service.Attrs);
    }

    [Theory]
    [InlineData("80/tcp=0.0.0.0:32768", "", false, "10.0.0.2:32768")]
    [InlineData("80/tcp=192.168.7.1:81", "", false, "192.168.7.1:81")]
    [InlineData("80/tcp=192.168.7.1:81", "203.0.113.9", false, "203.0.113.9:81")]
    [InlineData("80/tcp=192.168.7.1:81,192.168.7.2:82", "", false, "192.168.7.1:81")]
    [InlineData("80/tcp=[::]:32768", "", false, "10.0.0.2:32768")]
    [InlineData("80/tcp=0.0.0.0:32768", "203.0.113.9", true, "172.17.0.5:80")]
    [InlineData("80/tcp", "", true, "172.17.0.5:80")]
    public void Address_is_the_binding_s_unless_a_flag_says_otherwise(string ports, string ip, bool isInternal, string expected)
    {
        MirroredService service = Assert.Single(Services(new() { Ports = ports }, Flags with { Ip = ip, Internal = isInternal }));

        Assert.Equal(expected, $"{service.Ip}:{service.Port}");
    }

    [Fact]
    public void Label_gives_the_address_without_its_prefix_length()
    {
        var container = new TestContainer { Labels = "net.ip=10.9.8.7/24" };

        Assert.Equal("10.9.8.7", Assert.Single(Services(container, Flags with { UseIpFromLabel = "net.ip", Ip = "203.0.113.9" })).Ip);
        Assert.Equal("203.0.113.9", Assert.Single(Services(container, Flags with { UseIpFromLabel = "other", Ip = "203.0.113.9" })).Ip);
    }

    /// <summary>Fixed: registrator reads an address that Docker 29 does not tell any more, and registers an empty one.</summary>
    [Fact]
    public void Container_in_another_s_network_is_registered_with_that_one_s_address()
    {
        Container pod = With(new TestContainer { Id = "pod" }, ("shop_net", "10.7.0.3"), ("a_net", "10.8.0.3"));
        Container container = new TestContainer { NetworkMode = "container:pod" }.ToContainer();

        RegistratorVerdict verdict = RegistratorRules.Judge(container, Flags, id => id == "pod" ? pod : null);
        Assert.Equal("10.8.0.3", Assert.Single(verdict.Services).Ip);

        RegistratorVerdict unknown = RegistratorRules.Judge(container, Flags, static _ => null);
        Assert.Empty(unknown.Services);
        Assert.Contains("has no address yet", Assert.Single(unknown.Ignored), StringComparison.Ordinal);
    }

    /// <summary>Fixed: with several networks registrator takes any of them, another one each time.</summary>
    [Fact]
    public void Internal_address_is_that_of_the_network_that_the_container_was_started_in()
    {
        Container container = With(new TestContainer { NetworkMode = "shop_net" }, ("a_net", "10.8.0.3"), ("shop_net", "10.7.0.3"));

        Assert.Equal("10.7.0.3", Assert.Single(RegistratorRules.Judge(container, Flags with { Internal = true }, static _ => null).Services).Ip);
    }

    /// <summary>Fixed: registrator writes the container's address there with the host's port (its issues 337 and 406).</summary>
    [Fact]
    public void Published_port_on_a_named_network_answers_at_the_host()
    {
        Container container = With(new TestContainer { NetworkMode = "shop_net" }, ("shop_net", "10.7.0.3"));

        MirroredService service = Assert.Single(RegistratorRules.Judge(container, Flags, static _ => null).Services);
        Assert.Equal(("10.0.0.2", 32768), (service.Ip, service.Port));
    }

    /// <summary>What an image exposes is where it listens in host networking.</summary>
    [Fact]
    public void Exposed_ports_count_as_published_in_host_networking()
    {
        MirroredService service = Assert.Single(Services(new() { NetworkMode = "host", Ports = "8080/tcp" }));

        Assert.Equal(("10.0.0.2", 8080, "host2:web-1:8080"), (service.Ip, service.Port, service.Id));
    }

    [Fact]
    public void Explicit_registers_only_what_was_named()
    {
        RegistratorOptions flags = Flags with { Explicit = true };

        Assert.Contains("-explicit", Assert.Single(Judge(new(), flags).Ignored), StringComparison.Ordinal);
        Assert.Single(Services(new() { Env = "SERVICE_NAME=x" }, flags));
    }

    [Theory]
    [InlineData(false, 0, 0)]
    [InlineData(false, 1, 0)]
    [InlineData(true, 0, 0)]
    [InlineData(true, 1, 1)]
    [InlineData(true, 137, 0)]
    [InlineData(true, 143, 0)]
    public void On_success_keeps_who_ended_with_an_error_and_not_who_was_stopped(bool onSuccess, int exitCode, int kept)
    {
        Container running = new TestContainer().ToContainer();
        Container ended = running with { State = running.State! with { Status = "exited", ExitCode = exitCode } };

        RegistratorVerdict verdict = RegistratorRules.Judge(ended, Flags with { DeregisterOnSuccessOnly = onSuccess }, static _ => null);

        Assert.Equal(kept, verdict.Services.Length);
        Assert.All(verdict.Services, static service => Assert.True(service.IsLapsing));
    }

    [Fact]
    public void Paused_container_stays() => Assert.Single(Services(new() { Status = "paused" }));

    [Fact]
    public void What_is_not_published_is_named()
    {
        Assert.Equal("port 80/tcp is not published on the host (-internal registers it)", Assert.Single(Judge(new() { Ports = "80/tcp" }).Ignored));
        Assert.Equal("no published ports", Assert.Single(Judge(new() { Ports = "" }).Ignored));
    }

    private static ImmutableArray<MirroredService> Services(TestContainer container, RegistratorOptions? options = null) => Judge(container, options).Services;

    private static RegistratorVerdict Judge(TestContainer container, RegistratorOptions? options = null) =>
        RegistratorRules.Judge(With(container, ("bridge", "172.17.0.5")), options ?? Flags, static _ => null);

    private static Container With(TestContainer container, params (string Name, string Address)[] networks)
    {
        Container made = container.ToContainer();
        return made with
        {
            NetworkSettings = made.NetworkSettings! with
            {
                Networks = networks.ToDictionary(static n => n.Name, static n => (EndpointSettings?)new EndpointSettings { IPAddress = n.Address }),
            },
        };
    }
}
