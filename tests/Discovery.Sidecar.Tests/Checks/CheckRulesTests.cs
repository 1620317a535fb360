using Discovery.Catalog;
using Discovery.Sidecar.Checks;
using Discovery.Sidecar.Docker;
using Discovery.Sidecar.Registration;

namespace Discovery.Sidecar.Tests.Checks;

public sealed class CheckRulesTests
{
    private const string HostAddress = "192.0.2.1";

    [Theory]
    [InlineData("discovery.check.http=/healthz", "http http GET 172.17.0.2:80/healthz")]
    [InlineData("discovery.check.http=:8081/healthz?full=1; discovery.check.method=head", "http http HEAD 172.17.0.2:8081/healthz?full=1")]
    [InlineData("discovery.check.http=8081", "http http GET 172.17.0.2:8081/")]
    [InlineData("discovery.check.https=/", "https https GET 172.17.0.2:80/")]
    [InlineData("discovery.check.tcp=true", "tcp tcp GET 172.17.0.2:80")]
    [InlineData("discovery.check.tcp=5432", "tcp tcp GET 172.17.0.2:5432")]
    [InlineData("discovery.check.grpc=:9000/shop.Cart", "grpc grpc GET 172.17.0.2:9000shop.Cart")]
    [InlineData("discovery.check.grpc=true", "grpc grpc GET 172.17.0.2:80")]
    [InlineData("discovery.check.grpc=shop.Cart", "grpc grpc GET 172.17.0.2:80shop.Cart")]
    [InlineData("discovery.check.db.tcp=5432", "db tcp GET 172.17.0.2:5432")]
    [InlineData("discovery.check.80.http=/a", "http-80 http GET 172.17.0.2:80/a")]
    [InlineData("Discovery.Check.HTTP=/A", "http http GET 172.17.0.2:80/A")]
    [InlineData("SERVICE_CHECK_HTTP=/health", "http-80 http GET 172.17.0.2:80/health")]
    [InlineData("SERVICE_CHECK_HTTP=/health; SERVICE_CHECK_HTTP_METHOD=POST", "http-80 http POST 172.17.0.2:80/health")]
    [InlineData("SERVICE_80_CHECK_HTTPS=/health; SERVICE_80_CHECK_HTTPS_METHOD=HEAD", "https-80 https HEAD 172.17.0.2:80/health")]
    [InlineData("SERVICE_CHECK_TCP=true", "tcp-80 tcp GET 172.17.0.2:80")]
    [InlineData("SERVICE_CHECK_GRPC=true", "grpc-80 grpc GET 172.17.0.2:80")]
    public void Checks_are_read_and_ask_the_containers_own_address(string labels, string expected)
    {
        CheckSet set = Judge(new() { Labels = labels });

        Assert.Empty(set.Rejected);
        CheckSpec spec = Assert.Single(set.Specs);
        Assert.Equal(expected, $"{spec.Name} {spec.TypeName} {spec.Method} {spec.Target}{spec.Path}");
    }

    /// <summary>Closed by default: whatever could lead a check to somebody else is refused.</summary>
    [Theory]
    [InlineData("http", "http://10.0.0.1/healthz")]
    [InlineData("http", "10.0.0.1:80/healthz")]
    [InlineData("http", "//10.0.0.1/healthz")]
    [InlineData("http", "@10.0.0.1/healthz")]
    [InlineData("http", ":80@10.0.0.1/")]
    [InlineData("http", ":99999/")]
    [InlineData("http", ":0/")]
    [InlineData("http", "healthz")]
    [InlineData("http", "/a b")]
    [InlineData("http", "/a\\b")]
    [InlineData("http", "/\u00e4")]
    [InlineData("http", "")]
    [InlineData("tcp", "db:5432")]
    [InlineData("tcp", "10.0.0.1")]
    [InlineData("tcp", "5432/x")]
    [InlineData("grpc", "10.0.0.1:9000")]
    [InlineData("grpc", "host:9000/shop.Cart")]
    public void Other_hosts_are_refused(string type, string value)
    {
        CheckSet set = Judge(new() { Labels = $"discovery.check.{type}={value}" });

        Assert.Empty(set.Specs);
        RejectedLabel rejected = Assert.Single(set.Rejected);
        Assert.Equal(($"discovery.check.{type}", value), (rejected.Label, rejected.Value));
        Assert.Contains("the container's own address and no other", rejected.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_can_be_set()
    {
        CheckSpec spec = Assert.Single(Judge(new()
        {
            Labels = "discovery.check.https=/; discovery.check.interval=1m30s; discovery.check.timeout=500ms; discovery.check.healthy-threshold=3;"
                + "discovery.check.unhealthy-threshold=4; discovery.check.initial=passing; discovery.check.deregister-after=1h; discovery.check.tls-verify=shop.example.com",
        }).Specs);

        Assert.Equal(TimeSpan.FromSeconds(90), spec.Interval);
        Assert.Equal(TimeSpan.FromMilliseconds(500), spec.Timeout);
        Assert.Equal((3, 4), (spec.HealthyThreshold, spec.UnhealthyThreshold));
        Assert.Equal(Health.Passing, spec.Initial);
        Assert.Equal(TimeSpan.FromHours(1), spec.DeregisterAfter);
        Assert.Equal("shop.example.com", spec.TlsName);
    }

    [Fact]
    public void Settings_of_a_name_win_over_those_of_all()
    {
        CheckSet set = Judge(new()
        {
            Labels = "discovery.check.http=/; discovery.check.db.tcp=5432; discovery.check.interval=20s; discovery.check.db.interval=3s; discovery.check.http.timeout=1s",
        });

        Assert.Empty(set.Rejected);
        Assert.Equal(["http 20 1", "db 3 5"], set.Specs.Select(static s => $"{s.Name} {s.Interval.TotalSeconds} {s.Timeout.TotalSeconds}"));
    }

    [Fact]
    public void Registrators_settings_are_read()
    {
        CheckSpec spec = Assert.Single(Judge(new()
        {
            Env = "SERVICE_CHECK_GRPC=true; SERVICE_CHECK_GRPC_USE_TLS=true; SERVICE_CHECK_TLS_SKIP_VERIFY=false; SERVICE_CHECK_INTERVAL=15s;"
                + "SERVICE_CHECK_TIMEOUT=2s; SERVICE_CHECK_INITIAL_STATUS=passing; SERVICE_CHECK_DEREGISTER_AFTER=10m",
        }).Specs);

        Assert.True(spec.IsTls);
        Assert.Equal("172.17.0.2", spec.TlsName);
        Assert.Equal((15, 2), (spec.Interval.TotalSeconds, spec.Timeout.TotalSeconds));
        Assert.Equal(Health.Passing, spec.Initial);
        Assert.Equal(TimeSpan.FromMinutes(10), spec.DeregisterAfter);
        Assert.Equal(1, spec.UnhealthyThreshold);
    }

    /// <summary>Registrator hands Consul one check for a service, the first that it finds.</summary>
    [Fact]
    public void Of_registrators_checks_the_first_counts_and_the_others_are_told_so()
    {
        CheckSet set = Judge(new() { Env = "SERVICE_CHECK_TCP=true; SERVICE_CHECK_TTL=30s; SERVICE_CHECK_HTTP=/a" });

        Assert.Equal("http-80", Assert.Single(set.Specs).Name);
        Assert.Equal(["SERVICE_CHECK_TTL", "SERVICE_CHECK_TCP"], set.Rejected.Select(static r => r.Label));
        Assert.All(set.Rejected, static r => Assert.Contains("SERVICE_CHECK_HTTP comes first", r.Reason, StringComparison.Ordinal));
    }

    [Fact]
    public void Registrators_checks_are_made_for_each_port_and_its_own_words_win()
    {
        CheckSet set = Judge(new()
        {
            Ports = "80/tcp=0.0.0.0:32768 81/tcp=0.0.0.0:32769 82/udp=0.0.0.0:32770",
            Env = "SERVICE_CHECK_HTTP=/a; SERVICE_81_CHECK_HTTP=/b; SERVICE_81_CHECK_INTERVAL=30s",
        });

        Assert.Empty(set.Rejected);
        Assert.Equal(
            ["http-80 80 172.17.0.2:80/a 10", "http-81 81 172.17.0.2:81/b 30"],
            set.Specs.Select(static s => $"{s.Name} {s.Port} {s.Target}{s.Path} {s.Interval.TotalSeconds}"));
        Assert.Equal(["http-81"], set.Of(81).Select(static s => s.Name));
    }

    [Fact]
    public void Label_wins_over_a_variable_of_its_name() =>
        Assert.Equal("/label", Assert.Single(Judge(new() { Env = "SERVICE_CHECK_HTTP=/env", Labels = "SERVICE_CHECK_HTTP=/label" }).Specs).Path);

    [Theory]
    [InlineData("discovery.check.htpp=/", "did you mean discovery.check.http?")]
    [InlineData("discovery.check.intervall=5s", "did you mean discovery.check.interval?")]
    [InlineData("discovery.check.http.x.y=5s", "no name for a check")]
    [InlineData("discovery.check.web.docker=true", "of which there is one")]
    [InlineData("discovery.check.interval=5s", "ask for one with discovery.check.http=/path")]
    [InlineData("discovery.check.web.interval=5s", "ask for one with discovery.check.web.http=/path")]
    [InlineData("discovery.check.99.http=/", "no TCP port 99 in the catalog; it has 80")]
    [InlineData("discovery.check.exec=/bin/true", "--enable-exec-checks")]
    [InlineData("discovery.check.docker=true", "HEALTHCHECK")]
    [InlineData("discovery.check.docker=/bin/true", "discovery.check.exec")]
    [InlineData("discovery.check.ttl=soon", "a time from 1s to 168h such as 10s")]
    [InlineData("SERVICE_CHECK_HTPP=/", "did you mean SERVICE_CHECK_HTTP?")]
    [InlineData("SERVICE_CHECK_INTERVAL=5s", "ask for one with SERVICE_CHECK_HTTP")]
    [InlineData("SERVICE_CHECK_SCRIPT=nc -z $SERVICE_IP", "--enable-exec-checks")]
    [InlineData("SERVICE_CHECK_CMD=/bin/check", "--enable-exec-checks")]
    [InlineData("SERVICE_99999_CHECK_TCP=true", "1 to 65535")]
    public void What_cannot_be_followed_is_rejected_with_the_reason(string label, string reason)
    {
        CheckSet set = Judge(new() { Labels = label });

        Assert.Empty(set.Specs);
        Assert.Contains(reason, Assert.Single(set.Rejected).Reason, StringComparison.Ordinal);
    }

    /// <summary>A slip beside a check does not take the check away.</summary>
    [Theory]
    [InlineData("interval", "5", "a time from 1s to 1h")]
    [InlineData("interval", "100ms", "a time from 1s to 1h")]
    [InlineData("timeout", "-1s", "a time from 10ms to 5m")]
    [InlineData("healthy-threshold", "0", "a whole number from 1 to 100")]
    [InlineData("unhealthy-threshold", "101", "a whole number from 1 to 100")]
    [InlineData("initial", "healthy", "passing, warning, critical or starting")]
    [InlineData("method", "BREW", "one of GET")]
    [InlineData("tls-verify", "a/b", "the name that the certificate must be for")]
    [InlineData("tls", "true", "it is for grpc")]
    public void Wrong_setting_is_rejected_and_leaves_the_default(string key, string value, string wanted)
    {
        CheckSet set = Judge(new() { Labels = $"discovery.check.https=/; discovery.check.{key}={value}" });
        CheckSet plain = Judge(new() { Labels = "discovery.check.https=/" });

        Assert.Equal(plain.Specs, set.Specs);
        RejectedLabel rejected = Assert.Single(set.Rejected);
        Assert.Equal($"discovery.check.{key}", rejected.Label);
        Assert.Contains(wanted, rejected.Reason, StringComparison.Ordinal);
    }

    /// <summary>Whoever writes them expects something that does not come.</summary>
    [Theory]
    [InlineData("discovery.check.tcp=true", "discovery.check.method=HEAD", "it is for http and https")]
    [InlineData("discovery.check.http=/", "discovery.check.tls=true", "it is for grpc")]
    [InlineData("discovery.check.grpc=true", "discovery.check.tls-verify=true", "for grpc over TLS")]
    [InlineData("discovery.check.ttl=10s", "discovery.check.interval=5s", "or another type")]
    [InlineData("discovery.check.http=/", "discovery.check.web.interval=5s", "discovery.check.web.http=/path")]
    [InlineData("SERVICE_CHECK_TCP=true", "SERVICE_CHECK_HTTP_METHOD=HEAD", "it is for http and https")]
    public void Setting_that_no_check_reads_is_rejected(string check, string setting, string reason)
    {
        CheckSet set = Judge(new() { Labels = $"{check}; {setting}" });

        Assert.Single(set.Specs);
        RejectedLabel rejected = Assert.Single(set.Rejected);
        Assert.Equal(setting, $"{rejected.Label}={rejected.Value}");
        Assert.Contains(reason, rejected.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_of_a_rejected_check_are_not_rejected_one_by_one() => Assert.Equal(
        ["discovery.check.exec"],
        Judge(new() { Labels = "discovery.check.exec=/bin/true; discovery.check.interval=5s; discovery.check.timeout=1s" }).Rejected.Select(static r => r.Label));

    [Fact]
    public void Second_way_to_make_a_named_check_is_rejected()
    {
        CheckSet set = Judge(new() { Labels = "discovery.check.db.tcp=5432; discovery.check.db.http=/" });

        Assert.Equal(CheckType.Http, Assert.Single(set.Specs).Type);
        Assert.Equal("discovery.check.db.tcp", Assert.Single(set.Rejected).Label);
    }

    [Fact]
    public void Which_port_is_asked_when_several_are_there()
    {
        const string Ports = "80/tcp=0.0.0.0:1 81/tcp=0.0.0.0:2";

        RejectedLabel rejected = Assert.Single(Judge(new() { Ports = Ports, Labels = "discovery.check.http=/" }).Rejected);
        CheckSpec spec = Assert.Single(Judge(new() { Ports = Ports, Labels = "discovery.check.http=/" }, preferred: 81).Specs);

        Assert.Contains("which port is meant? The container has 80, 81", rejected.Reason, StringComparison.Ordinal);
        Assert.Equal("172.17.0.2:81", spec.Target!.Endpoint);
    }

    [Theory]
    [InlineData("/bin/check -q", "/bin/sh|-c|/bin/check -q")]
    [InlineData("""["/bin/check","-q"]""", "/bin/check|-q")]
    public void Commands_are_run_where_they_are_allowed(string value, string expected)
    {
        CheckSpec spec = Assert.Single(Judge(new() { Labels = $"discovery.check.exec={value}" }, new(HostAddress, AllowsCommands: true)).Specs);

        Assert.Equal(expected, string.Join('|', spec.Command));
        Assert.False(spec.OneWarns);
    }

    [Fact]
    public void Registrators_script_is_run_in_the_container_and_told_its_port()
    {
        CheckSpec spec = Assert.Single(Judge(new() { Env = "SERVICE_CHECK_SCRIPT=nc $SERVICE_IP $SERVICE_PORT" }, new(HostAddress, AllowsCommands: true)).Specs);

        Assert.Equal("/bin/sh|-c|nc 127.0.0.1 80", string.Join('|', spec.Command));
        Assert.True(spec.OneWarns);
    }

    [Theory]
    [InlineData("bridge", "", "172.17.0.2:80", "network bridge")]
    [InlineData("host", "", "127.0.0.1:80", "host networking")]
    [InlineData("none", "", "127.0.0.1:32768", "published port")]
    [InlineData("shop", "shop=172.20.0.2 bridge=172.17.0.2", "172.20.0.2:80", "network shop")]
    [InlineData("shop", "back=172.21.0.2 app=172.22.0.2", "172.22.0.2:80", "network app")]
    [InlineData("shop", "shop=fd00::2", "[fd00::2]:80", "network shop")]
    public void Target_follows_from_the_network(string mode, string networks, string target, string rule)
    {
        CheckSpec spec = Assert.Single(Judge(new() { NetworkMode = mode, Labels = "discovery.check.tcp=80", Networks = networks }).Specs);

        Assert.Equal(target, spec.Target!.Endpoint);
        Assert.Contains(rule, spec.Target.Rule, StringComparison.Ordinal);
    }

    [Fact]
    public void Guest_of_another_containers_network_is_asked_there()
    {
        var guest = new TestContainer { NetworkMode = "container:c2", Labels = "discovery.check.tcp=80", Ports = "80/tcp" };

        CheckSet known = Judge(guest, network: new TestContainer { Id = "c2", Networks = "shop=172.20.0.9" }.ToContainer());
        CheckSet unknown = Judge(guest);

        Assert.Equal("172.20.0.9:80", Assert.Single(known.Specs).Target!.Endpoint);
        Assert.Contains("lives in the network of container c2", Assert.Single(unknown.Rejected).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Sidecar_with_a_network_of_its_own_never_takes_its_loopback_for_the_hosts()
    {
        var container = new TestContainer { NetworkMode = "host", Labels = "discovery.check.tcp=80" };

        CheckSet reached = Judge(container, new(HostAddress, IsBridged: true));
        CheckSet lost = Judge(container, new("127.0.0.1", IsBridged: true));

        Assert.Equal($"{HostAddress}:80", Assert.Single(reached.Specs).Target!.Endpoint);
        Assert.Contains("-ip", Assert.Single(lost.Rejected).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Healthcheck_counts_unless_it_is_told_not_to()
    {
        var container = new TestContainer { Health = "healthy" };

        Assert.True(Judge(container).CountsHealthcheck);
        Assert.True(Judge(container with { Labels = "discovery.check.docker=true" }).CountsHealthcheck);
        Assert.False(Judge(container with { Labels = "discovery.check.docker=false" }).CountsHealthcheck);
        Assert.Empty(Judge(container with { Env = "SERVICE_CHECK_DOCKER=true" }).Rejected);
    }

    [Fact]
    public void Container_that_asks_for_too_many_checks_gets_some()
    {
        string labels = string.Join(';', Enumerable.Range(1, 25).Select(static i => $"discovery.check.c{i:00}.tcp={i}"));

        CheckSet set = Judge(new() { Labels = labels });

        Assert.Equal(CheckLimits.PerContainer, set.Specs.Count);
        Assert.Equal(5, set.Rejected.Count);
    }

    [Fact]
    public void Container_that_says_nothing_of_checks_has_none() =>
        Assert.Same(CheckSet.None, Judge(new() { Env = "SERVICE_NAME=web", Labels = "discovery.host=a.example.com" }));

    private static CheckSet Judge(TestContainer test, CheckPolicy? policy = null, int? preferred = null, Container? network = null)
    {
        Container container = test.ToContainer();
        return CheckRules.Of(
            container,
            ContainerLabels.Of(container),
            ContainerPorts.Of(container, HostAddress, preferred).Ports,
            preferred,
            policy ?? new(HostAddress),
            network);
    }
}
