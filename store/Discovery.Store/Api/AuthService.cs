using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;

namespace Discovery.Store.Api;

/// <summary>etcd's Auth service while auth is off: a client that tries to log in is told so by etcd's own error.</summary>
internal static class AuthService
{
    public static void MapTo(GrpcServer grpc) =>
        grpc.MapUnary<AuthenticateRequest, AuthenticateResponse>(
            "/etcdserverpb.Auth/Authenticate",
            AuthenticateRequest.Parser,
            static (_, _) => throw EtcdError.AuthNotEnabled.ToException());
}
