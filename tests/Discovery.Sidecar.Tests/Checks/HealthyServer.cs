using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Discovery.Sidecar.Tests.Checks;

/// <summary>Kestrel with the standard gRPC health service, and "fine" for every other request.</summary>
internal sealed class HealthyServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly X509Certificate2? _certificate;

    private HealthyServer(WebApplication app, X509Certificate2? certificate) => (_app, _certificate) = (app, certificate);

    public int Port => new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;

    /// <summary>Starts one.</summary>
    /// <param name="protocols">What it speaks.</param>
    /// <param name="certificateFor">The name in its self-signed certificate; null for cleartext.</param>
    /// <param name="answer">What the health service says of a service; null when there is no such service.</param>
    public static async Task<HealthyServer> StartAsync(
        HttpProtocols protocols, string? certificateFor = null, Func<string, HealthCheckResponse>? answer = null)
    {
        X509Certificate2? certificate = certificateFor is null ? null : SelfSigned(certificateFor);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = protocols;
            if (certificate is not null)
            {
                listen.UseHttps(certificate);
            }
        }));
        WebApplication app = builder.Build();
        var grpc = new GrpcServer(1024, NullLogger<GrpcServer>.Instance);
        if (answer is not null)
        {
            grpc.MapUnary("/grpc.health.v1.Health/Check", HealthCheckRequest.Parser, (request, _) => ValueTask.FromResult(answer(request.Service)));
        }

        app.Run(context => grpc.TryInvoke(context) ?? context.Response.WriteAsync("fine"));
        await app.StartAsync();
        return new(app, certificate);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificate?.Dispose();
    }

    private static X509Certificate2 SelfSigned(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        var now = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
        using X509Certificate2 bare = request.CreateSelfSigned(now, now.AddYears(100));
        return X509CertificateLoader.LoadPkcs12(bare.Export(X509ContentType.Pfx), null);
    }
}
