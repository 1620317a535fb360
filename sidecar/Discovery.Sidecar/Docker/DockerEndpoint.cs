using System.Net.Sockets;

namespace Discovery.Sidecar.Docker;

/// <summary>Where the engine is: a unix socket or a TCP port.</summary>
internal sealed record DockerEndpoint
{
    /// <summary>The engine's own socket.</summary>
    public const string DefaultSocket = "/var/run/docker.sock";

    /// <summary>Where registrator's users mount it.</summary>
    public const string RegistratorSocket = "/tmp/docker.sock";

    private string? SocketPath { get; init; }

    private Uri? Tcp { get; init; }

    /// <summary>The authority of every request; a unix socket has none, so any name does.</summary>
    public Uri BaseAddress => Tcp ?? new Uri("http://docker");

    /// <summary>Reads <c>DOCKER_HOST</c>.</summary>
    /// <param name="host"><c>unix:///path</c> or <c>tcp://host:port</c>; null or empty for the default sockets.</param>
    /// <param name="tlsVerify"><c>DOCKER_TLS_VERIFY</c>.</param>
    /// <exception cref="FormatException">One line: what was found, what is wanted.</exception>
    public static DockerEndpoint Parse(string? host, string? tlsVerify = null)
    {
        if (string.IsNullOrEmpty(host))
        {
            return new();
        }

        if (host.StartsWith("unix://", StringComparison.Ordinal))
        {
            string path = host["unix://".Length..];
            return path.StartsWith('/') ? new() { SocketPath = path } : throw Wrong("the path after unix:// must start with /");
        }

        if (!host.StartsWith("tcp://", StringComparison.Ordinal)
            || !Uri.TryCreate("http" + host["tcp".Length..], UriKind.Absolute, out Uri? tcp)
            || tcp.IsDefaultPort
            || tcp.PathAndQuery != "/")
        {
            throw Wrong("it must be unix:///path/to/docker.sock or tcp://host:port");
        }

        return string.IsNullOrEmpty(tlsVerify)
            ? new() { Tcp = tcp }
            : throw Wrong("with DOCKER_TLS_VERIFY set TLS is wanted, which this version does not speak to the engine; use its unix socket");

        FormatException Wrong(string wanted) => new($"DOCKER_HOST is \"{host}\"; {wanted}");
    }

    /// <summary>Opens one connection.</summary>
    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
    {
        var socket = Tcp is null
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (Tcp is null)
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path()), cancellation);
            }
            else
            {
                await socket.ConnectAsync(Tcp.Host, Tcp.Port, cancellation);
            }

            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Tcp is null ? $"unix://{Path()}" : $"tcp://{Tcp.Authority}";

    // Looked up at each connect: the socket may come into being, in either place, after we have started.
    private string Path() =>
        SocketPath ?? (File.Exists(RegistratorSocket) && !File.Exists(DefaultSocket) ? RegistratorSocket : DefaultSocket);
}
