using System.Text.Json;
using Discovery.Catalog;
using Discovery.Sidecar.Checks;
using Discovery.Sidecar.Docker;
using Discovery.Sidecar.Registration;

namespace Discovery.Sidecar.Tests.Registration;

public sealed class ContainerRulesTests
{
    private const string TwoPorts = "80/tcp=0.0.0.0:32768 443/tcp=0.0.0.0:32769";

    [Theory]
    [InlineData("80/tcp=0.0.0.0:32768", "", "", "web")]
    [InlineData(TwoPorts, "", "", "web-80 web-443")]
    [InlineData(TwoPorts, "", "discovery.port=443", "web-80 web")]
    [InlineData(TwoPorts, "SERVICE_443_IGNORE=1", "", "web")]
    [InlineData("80/tcp=0.0.0.0:32768 443/tcp", "", "", "web")]
    [InlineData(TwoPorts, "SERVICE_NAME=shop", "", "shop-80 shop-443")]
    [InlineData(TwoPorts, "SERVICE_NAME=shop; SERVICE_80_NAME=plain", "", "plain shop-443")]
    [InlineData("80/tcp=0.0.0.0:32768", "SERVICE_NAME=env", "SERVICE_NAME=label", "label")]
    [InlineData("80/tcp=0.0.0.0:32768", "", "com.docker.compose.service=Front", "front")]
    [InlineData("80/tcp=0.0.0.0:32768", "SERVICE_NAME=shop", "com.docker.compose.service=front", "shop")]
    [InlineData("53/tcp=0.0.0.0:53 53/udp=0.0.0.0:53", "", "", "web-53 web-53")]
    public void Names_come_from_the_port_the_service_compose_and_the_image_in_this_order(string ports, string env, string labels, string expected)
    {
        ContainerVerdict verdict = Judge(new() { Ports = ports, Env = env, Labels = labels });

        Assert.Equal(expected, string.Join(' ', verdict.Instances.Select(static i => i.Service)));
    }

    [Theory]
    [InlineData("web", "web")]
    [InlineData("registry:5000/shop/Web_App:7", "web_app")]
    [InlineData("shop/web:7@sha256:0123456789abcdef", "web")]
    [InlineData("sha256:8a3fbc0123456789", "web-1")]
    [InlineData("8a3fbc012345", "web-1")]
    public void Image_gives_its_last_part_as_the_name_and_a_bare_id_gives_the_container_s(string image, string expected) =>
        Assert.Equal(expected, Assert.Single(Judge(new() { Image = image }).Instances).Service);

    [Theory]
    [InlineData("80/tcp=0.0.0.0:32768,[::]:32768", "10.0.0.2:32768", "")]
    [InlineData("80/tcp=[::]:32770,0.0.0.0:32768", "10.0.0.2:32768", "")]
    [InlineData("80/tcp=:32768", "10.0.0.2:32768", "")]
    [InlineData("80/tcp=[::]:32768", "10.0.0.2:32768", "")]
    [InlineData("80/tcp=[fd00::5]:32768", "[fd00::5]:32768", "")]
    [InlineData("80/tcp=192.168.7.1:81,192.168.7.2:82", "192.168.7.1:81", "192.168.7.2:82")]
    [InlineData("80/tcp=[fd00::5]:82,192.168.7.1:81", "192.168.7.1:81", "[fd00::5]:82")]
    [InlineData("80/tcp=127.0.0.1:32768", "127.0.0.1:32768", "")]
    public void Address_is_that_of_the_first_binding_IPv4_first(string ports, string endpoint, string others)
    {
        ServiceInstance instance = Assert.Single(Judge(new() { Ports = ports }).Instances);

        Assert.Equal(endpoint, instance.Endpoint);
        Assert.Equal(others, string.Join(' ', instance.Addresses));
    }

    [Fact]
    public void Port_on_loopback_is_registered_there_with_a_warning()
    {
        ContainerVerdict verdict = Judge(new() { Ports = "80/tcp=127.0.0.1:32768" });

        Assert.Contains("reachable from this host only", Assert.Single(verdict.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("8080/tcp", "", "10.0.0.2:8080")]
    [InlineData("", "discovery.port=9000", "10.0.0.2:9000")]
    public void Host_networking_registers_exposed_ports_at_the_host(string ports, string labels, string endpoint) =>
        Assert.Equal(endpoint, Assert.Single(Judge(new() { NetworkMode = "host", Ports = ports, Labels = labels }).Instances).Endpoint);

    [Theory]
    [InlineData("80/tcp", "default", "", "", "publish 80/tcp with -p or -P")]
    [InlineData("", "default", "", "", "publish one with -p")]
    [InlineData("", "none", "", "", "its network mode is none")]
    [InlineData("", "container:abc", "", "", "network of container abc")]
    [InlineData("", "host", "", "", "the image exposes none")]
    [InlineData("132/sctp=0.0.0.0:132", "default", "", "", "no port is published")]
    [InlineData("80/tcp=0.0.0.0:1", "default", "SERVICE_IGNORE=true", "", "SERVICE_IGNORE is \"true\"")]
    [InlineData("80/tcp=0.0.0.0:1", "default", "SERVICE_80_IGNORE=yes", "", "every published port is ignored")]
    [InlineData("80/tcp=0.0.0.0:1", "default", "", "com.docker.compose.oneoff=True", "one-off container")]
    [InlineData("80/tcp=0.0.0.0:1", "default", "SERVICE_NAME=Web Shop", "", "SERVICE_NAME is \"Web Shop\"")]
    public void Refused_container_has_its_reason(string ports, string mode, string env, string labels, string reason)
    {
        ContainerVerdict verdict = Judge(new() { Ports = ports, NetworkMode = mode, Env = env, Labels = labels });

        Assert.Empty(verdict.Instances);
        Assert.Contains(reason, verdict.Refused, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("created")]
    [InlineData("exited")]
    [InlineData("restarting")]
    [InlineData("dead")]
    public void Container_that_does_not_run_concerns_nobody(string status) =>
        Assert.Null(new ContainerRules("host2", new CheckPolicy("10.0.0.2"), false, new CheckBoard()).Judge(new TestContainer { Status = status }.ToContainer()));

    [Theory]
    [InlineData("SERVICE_IGNORE=false")]
    [InlineData("SERVICE_IGNORE=")]
    public void Ignore_false_does_not_ignore(string env) => Assert.Single(Judge(new() { Env = env }).Instances);

    [Fact]
    public void One_bad_name_leaves_the_other_ports_registered()
    {
        ContainerVerdict verdict = Judge(new() { Ports = TwoPorts, Env = "SERVICE_80_NAME=No Good" });

        ServiceInstance instance = Assert.Single(verdict.Instances);
        Assert.Equal("web-443", instance.Service);
        Assert.Null(verdict.Refused);
        Assert.Equal("SERVICE_80_NAME", Assert.Single(instance.Rejected).Label);
    }

    [Fact]
    public void Tags_and_meta_follow_registrator_and_a_port_s_own_win()
    {
        ServiceInstance instance = Assert.Single(Judge(new()
        {
            Env = @"SERVICE_TAGS=blue,a\,b,,blue; SERVICE_TEAM=shop; SERVICE_80_TEAM=web; SERVICE_CHECK_HTTP=/health",
            Labels = "SERVICE_REGION=eu",
        }).Instances);

        Assert.Equal(["blue", "a,b"], instance.Tags);
        Assert.Equal("check_http=/health region=eu team=web", string.Join(' ', instance.Meta.Select(static m => $"{m.Key}={m.Value}")));
    }

    [Theory]
    [InlineData("", "", false, "")]
    [InlineData("SERVICE_NAME=shop", "", false, "*[SERVICE_NAME]")]
    [InlineData("SERVICE_80_NAME=shop", "", false, "*[SERVICE_80_NAME]")]
    [InlineData("", "discovery.host=Shop.Example.com", false, "shop.example.com[label discovery.host]")]
    [InlineData("SERVICE_NAME=shop", "discovery.host=a.example.com,b.example.com; discovery.path=/api", false,
        "a.example.com/api[label discovery.host] b.example.com/api[label discovery.host] *[SERVICE_NAME]")]
    [InlineData("SERVICE_NAME=shop", "discovery.path=/api", false, "*/api[label discovery.path]")]
    [InlineData("", "discovery.port=80", false, "*[label discovery.port]")]
    [InlineData("", "discovery.prot=80", false, "*[label discovery.prot]")]
    [InlineData("", "traefik.http.routers.a.rule=Host(`a`)", false, "*[label traefik.http.routers.a.rule]")]
    [InlineData("", "traefik.enable=false; traefik.port=80", false, "")]
    [InlineData("VIRTUAL_HOST=a.example.com", "", false, "*[VIRTUAL_HOST]")]
    [InlineData("SERVICE_TAGS=urlprefix-/a", "", false, "*[tag urlprefix-/a]")]
    [InlineData("", "", true, "*[--route-all]")]
    [InlineData("SERVICE_NAME=shop", "", true, "*[SERVICE_NAME]")]
    public void Routed_is_who_asks_for_it(string env, string labels, bool routeAll, string expected)
    {
        ContainerVerdict verdict = Judge(new() { Env = env, Labels = labels }, routeAll);

        Assert.Equal(expected, Routes(Assert.Single(verdict.Instances)));
    }

    [Fact]
    public void Only_the_port_that_is_meant_is_routed_and_never_UDP()
    {
        ContainerVerdict verdict = Judge(new()
        {
            Ports = TwoPorts + " 53/udp=0.0.0.0:53",
            Env = "SERVICE_NAME=shop",
            Labels = "discovery.port=443; discovery.host=a.example.com",
        });

        Assert.Equal(
            ["shop-53: ", "shop-80: ", "shop: a.example.com[label discovery.host] *[SERVICE_NAME]"],
            verdict.Instances.Select(i => $"{i.Service}: {Routes(i)}"));
        Assert.Equal("host2:web-1:53:udp", verdict.Instances[0].Id);
    }

    [Fact]
    public void Host_label_on_several_ports_asks_which_is_meant()
    {
        ContainerVerdict verdict = Judge(new() { Ports = TwoPorts, Labels = "discovery.host=a.example.com" });

        Assert.Contains("add discovery.port", Assert.Single(verdict.Rejected).Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(verdict.Instances, i => i.Routes.Any(static r => r.Host is not null));
    }

    [Theory]
    [InlineData("discovery.prot=8080", "did you mean discovery.port?")]
    [InlineData("discovery.hots=a", "did you mean discovery.host?")]
    [InlineData("discovery.colour=a", "known are discovery.host")]
    [InlineData("discovery.port=http", "from 1 to 65535")]
    [InlineData("discovery.port=8080", "publishes no TCP port 8080; it publishes 80")]
    [InlineData("discovery.weight=-1", "from 0 to 1000")]
    [InlineData("discovery.host=http://a.example.com/x", "not a host name")]
    [InlineData("discovery.host=", "not a host name")]
    [InlineData("discovery.path=api", "starts with /")]
    [InlineData("SERVICE_ID=x", "ids are <host>")]
    [InlineData("SERVICE_81_NAME=x", "publishes no port 81; it publishes 80")]
    public void Label_that_makes_no_sense_is_rejected_with_the_reason_and_disturbs_nothing_else(string label, string reason)
    {
        ServiceInstance instance = Assert.Single(Judge(new() { Labels = label }).Instances);

        RejectedLabel rejected = Assert.Single(instance.Rejected);
        Assert.StartsWith(rejected.Label, label, StringComparison.Ordinal);
        Assert.Contains(reason, rejected.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("running", null, Health.Passing, false)]
    [InlineData("running", "none", Health.Passing, false)]
    [InlineData("running", "starting", Health.Starting, true)]
    [InlineData("running", "healthy", Health.Passing, true)]
    [InlineData("running", "unhealthy", Health.Critical, true)]
    [InlineData("paused", "healthy", Health.Critical, true)]
    [InlineData("paused", null, Health.Critical, true)]
    public void Docker_s_health_is_the_instance_s(string status, string? health, Health expected, bool hasCheck)
    {
        ServiceInstance instance = Assert.Single(Judge(new() { Status = status, Health = health, HealthOutput = "ok\n" }).Instances);

        Assert.Equal(expected, instance.Health);
        Assert.Equal(hasCheck, instance.Checks.Count == 1);
        if (status == "running" && hasCheck)
        {
            Assert.Equal("ok", instance.Checks[0].Output);
        }
    }

    [Fact]
    public void Output_is_cut_between_characters()
    {
        string cut = ContainerHealth.Cut(new string('a', 255) + "äöü");

        Assert.Equal(new string('a', 255), cut);
    }

    /// <summary>What two engines really say: one with addresses at the top of NetworkSettings, one without.</summary>
    [Theory]
    [InlineData("""{"Bridge":"","IPAddress":"172.17.0.2","Gateway":"172.17.0.1","Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"32768"},{"HostIp":"::","HostPort":"32768"}]},"Networks":{"bridge":{"IPAddress":"172.17.0.2"}}}""")]
    [InlineData("""{"SandboxID":"x","SandboxKey":"y","Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"32768"},{"HostIp":"::","HostPort":"32768"}]},"Networks":{"bridge":{"IPAddress":"172.17.0.2","GwPriority":0}}}""")]
    public void Shapes_of_Docker_20_10_and_29_give_the_same_instance(string network)
    {
        string json =
            $$$"""
            {"Id":"c1","Created":"2026-11-20T12:00:00.1Z","Name":"/web-1","RestartCount":0,
             "State":{"Status":"running","Running":true,"Paused":false,"Restarting":false,"Pid":4711,"ExitCode":0,"StartedAt":"2026-11-20T12:00:00.123456789Z","FinishedAt":"0001-01-01T00:00:00Z"},
             "HostConfig":{"NetworkMode":"bridge","PortBindings":{},"RestartPolicy":{"Name":"no"}},
             "Config":{"Hostname":"c1","Env":["PATH=/bin"],"Image":"shop/web:7","Labels":{},"ExposedPorts":{"80/tcp":{}},"Healthcheck":{"Test":["CMD","true"],"Interval":1000000000}},
             "NetworkSettings":{{{network}}}}
            """;

        var verdict = new ContainerRules("host2", new CheckPolicy("10.0.0.2"), false, new CheckBoard()).Judge(JsonSerializer.Deserialize(json, DockerJson.Default.Container)!);

        ServiceInstance instance = Assert.Single(verdict!.Instances);
        Assert.Equal("host2:web-1:80 10.0.0.2:32768", $"{instance.Id} {instance.Endpoint}");
        Assert.Empty(instance.Addresses);
        Assert.Null(InstanceRules.Problem(instance));
    }

    [Fact]
    public void Compose_s_labels_are_the_container_s_reference()
    {
        ServiceInstance instance = Assert.Single(Judge(new()
        {
            Labels = "com.docker.compose.project=shop; com.docker.compose.service=web; com.docker.compose.config-hash=abc",
        }).Instances);

        Assert.Equal(
            new ContainerReference { Id = "c1", Name = "web-1", Image = "shop/web:7", Project = "shop", Service = "web", ConfigHash = "abc" },
            instance.Container);
    }

    private static ContainerVerdict Judge(TestContainer container, bool routeAll = false) =>
        new ContainerRules("host2", new CheckPolicy("10.0.0.2"), routeAll, new CheckBoard()).Judge(container.ToContainer())!;

    private static string Routes(ServiceInstance instance) =>
        string.Join(' ', instance.Routes.Select(static r => $"{r.Host ?? "*"}{r.Path}[{r.Source}]"));
}
