using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;

namespace Discovery.Store.Api;

/// <summary>The standard gRPC health check. A member that answers is serving: it opened its data before its ports.</summary>
internal static class HealthService
{
    public static void MapTo(GrpcServer grpc) =>
        grpc.MapUnary(
            "/grpc.health.v1.Health/Check",
            HealthCheckRequest.Parser,
            static (request, _) => request.Service is "" or "etcdserverpb.Health"
                ? new ValueTask<HealthCheckResponse>(new HealthCheckResponse { Status = HealthCheckResponse.Types.ServingStatus.Serving })
                : throw new GrpcException(GrpcStatusCode.NotFound, "unknown service"));
}
