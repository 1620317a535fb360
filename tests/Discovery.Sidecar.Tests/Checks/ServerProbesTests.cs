using System.Text;
using Discovery.Catalog;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Sidecar.Checks;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Serving = Discovery.EtcdApi.Messages.HealthCheckResponse.Types.ServingStatus;

namespace Discovery.Sidecar.Tests.Checks;

/// <summary>HTTP and gRPC, in cleartext and over TLS, against a server as applications have one.</summary>
public sealed class ServerProbesTests
{
    private static readonly TimeSpan Patient = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Https_passes_without_a_word_on_the_certificate_and_fails_where_it_is_to_be_verified()
    {
        await using HealthyServer server = await HealthyServer.StartAsync(HttpProtocols.Http1, "shop.example.com");
        CheckSpec spec = Spec(CheckType.Https, server.Port) with { Path = "/" };

        CheckResult any = await AskHttpAsync(spec);
        CheckResult verified = await AskHttpAsync(spec with { TlsName = "shop.example.com" });

        Assert.Equal((Health.Passing, "HTTP 200 OK\nfine"), (any.Status, any.Output));
        Assert.Equal(Health.Critical, verified.Status);
        Assert.Contains("certificate", verified.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Http_asked_of_a_tls_port_is_critical()
    {
        await using HealthyServer server = await HealthyServer.StartAsync(HttpProtocols.Http1, "shop.example.com");

        Assert.Equal(Health.Critical, (await AskHttpAsync(Spec(CheckType.Http, server.Port) with { Path = "/" })).Status);
    }

    [Theory]
    [InlineData("", Health.Passing, "the server is SERVING")]
    [InlineData("shop.Cart", Health.Critical, "shop.Cart is NOT_SERVING")]
    [InlineData("shop.Old", Health.Critical, "shop.Old says 0, wanted SERVING (1)")]
    [InlineData("shop.None", Health.Critical, "shop.None: NotFound: unknown service")]
    public async Task Grpc_health_decides(string service, Health health, string summary)
    {
        await using HealthyServer server = await HealthyServer.StartAsync(HttpProtocols.Http2, null, Answer);

        CheckResult result = await GrpcProbe.AskAsync(Spec(CheckType.Grpc, server.Port) with { Path = service }, CancellationToken.None);

        Assert.Equal((health, summary), (result.Status, result.Summary));
    }

    [Fact]
    public async Task Grpc_over_tls_passes_without_a_word_on_the_certificate_and_fails_where_it_is_to_be_verified()
    {
        await using HealthyServer server = await HealthyServer.StartAsync(HttpProtocols.Http2, "shop.example.com", Answer);
        CheckSpec spec = Spec(CheckType.Grpc, server.Port) with { IsTls = true };

        Assert.Equal(Health.Passing, (await GrpcProbe.AskAsync(spec, CancellationToken.None)).Status);
        Assert.Equal(Health.Critical, (await GrpcProbe.AskAsync(spec with { TlsName = "shop.example.com" }, CancellationToken.None)).Status);
    }

    [Fact]
    public async Task Grpc_server_without_the_health_service_is_critical_and_says_what_is_missing()
    {
        await using HealthyServer server = await HealthyServer.StartAsync(HttpProtocols.Http2);

        CheckResult result = await GrpcProbe.AskAsync(Spec(CheckType.Grpc, server.Port), CancellationToken.None);

        Assert.Equal(Health.Critical, result.Status);
        Assert.Contains("has no grpc.health.v1.Health service", result.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Web_server_that_speaks_no_grpc_is_critical()
    {
        await using HealthyServer server = await HealthyServer.StartAsync(HttpProtocols.Http1);

        Assert.Equal(Health.Critical, (await GrpcProbe.AskAsync(Spec(CheckType.Grpc, server.Port), CancellationToken.None)).Status);
    }

    /// <summary>Goal: a container cannot fill the sidecar's memory. How: a health answer of a megabyte in an unknown field.</summary>
    [Fact]
    public async Task Large_grpc_answer_is_refused()
    {
        byte[] head = [0x12, 0x80, 0x80, 0x40];
        HealthCheckResponse large = HealthCheckResponse.Parser.ParseFrom([.. head, .. Encoding.ASCII.GetBytes(new string('x', 1 << 20))]);
        await using HealthyServer server = await HealthyServer.StartAsync(HttpProtocols.Http2, null, _ => large);

        CheckResult result = await GrpcProbe.AskAsync(Spec(CheckType.Grpc, server.Port), CancellationToken.None);

        Assert.Equal(Health.Critical, result.Status);
        Assert.Contains("ResourceExhausted", result.Summary, StringComparison.Ordinal);
    }

    private static HealthCheckResponse Answer(string service) => new()
    {
        Status = service switch
        {
            "" => Serving.Serving,
            "shop.Cart" => Serving.NotServing,
            "shop.Old" => Serving.Unknown,
            _ => throw new GrpcException(GrpcStatusCode.NotFound, "unknown service"),
        },
    };

    private static async Task<CheckResult> AskHttpAsync(CheckSpec spec)
    {
        using var probe = new HttpProbe();
        return await probe.AskAsync(spec, CancellationToken.None);
    }

    private static CheckSpec Spec(CheckType type, int port) =>
        new() { Name = "check", Type = type, Timeout = Patient, Target = new("127.0.0.1", port, "test") };
}
