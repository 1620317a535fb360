using Discovery.Catalog;
using Discovery.Sidecar.Mirrors;

namespace Discovery.Sidecar.Tests.Mirrors;

public sealed class ConsulRegistrationTests
{
    private static readonly MirroredService Plain = new()
    {
        Id = "host1:web-1:80",
        Name = "web",
        Ip = "10.0.0.1",
        Port = 32770,
        ContainerPort = 80,
        ContainerId = "0123456789abcdef",
    };

    [Fact]
    public void Body_has_the_fields_of_consuls_own_client_in_its_order() => Assert.Equal(
        """{"ID":"host1:web-1:80","Name":"web","Tags":["blue"],"Port":32770,"Address":"10.0.0.1","EnableTagOverride":true,"Meta":{"enable_tag_override":"true"},"Check":null,"Checks":null}""",
        ConsulRegistration.Of(With(("enable_tag_override", "true")) with { Tags = ["blue"] }).ToJson());

    [Theory]
    [InlineData("check_http=/health", """{"Interval":"10s","HTTP":"http://10.0.0.1:32770/health"}""")]
    [InlineData("check_http=/;check_http_method=HEAD;check_interval=5s;check_timeout=1s", """{"Interval":"5s","Timeout":"1s","HTTP":"http://10.0.0.1:32770/","Method":"HEAD"}""")]
    [InlineData("check_https=/;check_tls_skip_verify=1", """{"Interval":"10s","HTTP":"https://10.0.0.1:32770/","TLSSkipVerify":true}""")]
    [InlineData("check_cmd=/check.sh now", """{"ScriptArgs":["check-cmd","0123456789ab","80","/check.sh now"],"Interval":"10s"}""")]
    [InlineData("check_script=nc $SERVICE_IP $SERVICE_PORT", """{"ScriptArgs":["nc","10.0.0.1","32770"],"Interval":"10s"}""")]
    [InlineData("check_ttl=30s;check_timeout=1s", """{"TTL":"30s"}""")]
    [InlineData("check_tcp=true;check_initial_status=passing", """{"Interval":"10s","TCP":"10.0.0.1:32770","Status":"passing"}""")]
    [InlineData("check_grpc=true;check_grpc_use_tls=1;check_deregister_after=10m", """{"Interval":"10s","GRPC":"10.0.0.1:32770","GRPCUseTLS":true,"DeregisterCriticalServiceAfter":"10m"}""")]
    [InlineData("check_tcp=true;check_http=/a;check_ttl=1s", """{"Interval":"10s","HTTP":"http://10.0.0.1:32770/a"}""")]
    [InlineData("check_interval=5s", "null")]
    public void Check_attributes_become_one_check(string attributes, string check)
    {
        MirroredService service = With([.. attributes.Split(';').Select(static pair => pair.Split('=', 2)).Select(static p => (p[0], p[1]))]);

        Assert.Contains($"\"Check\":{check},\"Checks\":null", ConsulRegistration.Of(service).ToJson(), StringComparison.Ordinal);
    }

    [Fact]
    public void Check_on_ipv6_has_brackets() =>
        Assert.Equal("[fd00::1]:32770", ConsulCheck.Of(With(("check_tcp", "1")) with { Ip = "fd00::1" })!.TCP);

    [Fact]
    public void Tags_are_compared_as_a_set_and_not_at_all_when_others_may_change_them()
    {
        Assert.Equal(Mark(Plain with { Tags = ["a", "b"] }), Mark(Plain with { Tags = ["b", "a", "a"] }));
        Assert.NotEqual(Mark(Plain with { Tags = ["a"] }), Mark(Plain));
        Assert.Equal(Mark(With(("enable_tag_override", "true")) with { Tags = ["a"] }), Mark(With(("enable_tag_override", "true"))));
    }

    private static string Mark(MirroredService service) => ConsulRegistration.Of(service).Mark();

    private static MirroredService With(params (string Key, string Value)[] attributes) =>
        Plain with { Attrs = EquatableMap.From(attributes.Select(static a => KeyValuePair.Create(a.Key, a.Value))) };
}
