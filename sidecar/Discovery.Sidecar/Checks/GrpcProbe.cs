using System.Net.Security;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Sidecar.Checks;

/// <summary>One call of the standard health service, <c>grpc.health.v1.Health/Check</c>, on a connection of its own. Only SERVING passes.</summary>
internal static class GrpcProbe
{
    private const string Method = "/grpc.health.v1.Health/Check";

    /// <summary>Asks once.</summary>
    public static async Task<CheckResult> AskAsync(CheckSpec spec, CancellationToken cancellation)
    {
        CheckTarget target = spec.Target!;
        SslClientAuthenticationOptions? tls = !spec.IsTls ? null
            : spec.TlsName is { } name ? new() { TargetHost = name }
            : new() { RemoteCertificateValidationCallback = HttpProbe.AnyCertificate };
        using var channel = new GrpcChannel(
            new($"{(spec.IsTls ? "https" : "http")}://{target.Endpoint}"), tls, CheckLimits.GrpcAnswer);
        var request = new HealthCheckRequest { Service = spec.Path };
        string what = spec.Path.Length == 0 ? "the server" : spec.Path;
        try
        {
            HealthCheckResponse answer = await channel.UnaryAsync(
                Method, request, HealthCheckResponse.Parser, null, spec.Timeout, cancellation);
            return answer.Status switch
            {
                HealthCheckResponse.Types.ServingStatus.Serving => CheckResult.Passing($"{what} is SERVING"),
                HealthCheckResponse.Types.ServingStatus.NotServing => CheckResult.Critical($"{what} is NOT_SERVING"),
                _ => CheckResult.Critical($"{what} says {(int)answer.Status}, wanted SERVING (1)"),
            };
        }
        catch (GrpcException e) when (e.Code == GrpcStatusCode.Unimplemented)
        {
            return CheckResult.Critical($"{target} has no grpc.health.v1.Health service: {e.Message}");
        }
        catch (GrpcException e)
        {
            return CheckResult.Critical($"{what}: {e.Code}: {e.Message}");
        }
        catch (InvalidProtocolBufferException e)
        {
            return CheckResult.Critical($"{target} answered what is no health answer: {e.Message}");
        }
    }
}
