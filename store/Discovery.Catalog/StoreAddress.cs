using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Discovery.Catalog;

/// <summary>
/// Where the store is: <c>etcd://[user:password@]host[:port][,host[:port]…]</c>, <c>etcds://…</c> for TLS, or
/// <c>embedded</c> for the one inside the sidecar.
/// </summary>
public sealed record StoreAddress
{
    /// <summary>etcd's client port.</summary>
    public const int DefaultPort = 2379;

    /// <summary>The members to try, in order; empty for the embedded store, whose address is known once it runs.</summary>
    public required EquatableArray<Uri> Endpoints { get; init; }

    /// <summary>User for etcd's auth; null when none is to be sent.</summary>
    public string? User { get; init; }

    /// <summary>The user's password.</summary>
    public string? Password { get; init; }

    /// <summary>Trust and client certificate for <c>etcds://</c>; null for cleartext.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>Whether the store runs inside this process.</summary>
    public bool IsEmbedded => Endpoints.Count == 0;

    /// <summary>Whom logs and pages name; never the password.</summary>
    public override string ToString() => IsEmbedded ? "embedded" : string.Join(',', Endpoints.Select(static e => e.Authority));

    /// <summary>Reads the flags <c>--store</c>, <c>--store-ca</c>, <c>--store-cert</c> and <c>--store-key</c>.</summary>
    /// <exception cref="FormatException">One line: what was found, what is wanted.</exception>
    public static StoreAddress Parse(string url, string? caFile = null, string? certFile = null, string? keyFile = null)
    {
        if (url == "embedded")
        {
            return new() { Endpoints = [] };
        }

        bool tls = url.StartsWith("etcds://", StringComparison.Ordinal);
        if (!tls && !url.StartsWith("etcd://", StringComparison.Ordinal))
        {
            throw Wrong(url, "it must be embedded, etcd://host:2379[,host:2379…] or etcds://…");
        }

        if (!tls && (caFile ?? certFile ?? keyFile) is { } file)
        {
            throw Wrong(url, $"with --store-ca, --store-cert or --store-key ({file}) it must start with etcds://");
        }

        string rest = url[(url.IndexOf("://", StringComparison.Ordinal) + 3)..].TrimEnd('/');
        string? user = null, password = null;
        int at = rest.LastIndexOf('@');
        if (at >= 0)
        {
            string[] credentials = rest[..at].Split(':', 2);
            user = Uri.UnescapeDataString(credentials[0]);
            password = credentials.Length == 2 ? Uri.UnescapeDataString(credentials[1]) : "";
            rest = rest[(at + 1)..];
        }

        return new()
        {
            Endpoints = rest.Split(',').Select(host => ParseEndpoint(url, tls ? "https" : "http", host)).ToEquatableArray(),
            User = user,
            Password = password,
            Tls = tls ? TlsOptions(caFile, certFile, keyFile) : null,
        };
    }

    private static Uri ParseEndpoint(string url, string scheme, string host)
    {
        bool hasPort = host.LastIndexOf(':') > host.LastIndexOf(']');
        if (host.Length > 0
            && host.IndexOfAny(['/', '?', '#', ' ']) < 0
            && Uri.TryCreate($"{scheme}://{host}{(hasPort ? "" : $":{DefaultPort}")}", UriKind.Absolute, out Uri? endpoint)
            && endpoint.Host.Length > 0)
        {
            return endpoint;
        }

        throw Wrong(url, $"\"{host}\" is not host or host:port");
    }

    private static SslClientAuthenticationOptions TlsOptions(string? caFile, string? certFile, string? keyFile)
    {
        if (certFile is null != keyFile is null)
        {
            throw new FormatException($"--store-cert and --store-key go together; {(certFile is null ? "--store-cert" : "--store-key")} is missing");
        }

        var options = new SslClientAuthenticationOptions();
        try
        {
            if (certFile is not null)
            {
                options.ClientCertificates = [X509Certificate2.CreateFromPemFile(certFile, keyFile)];
            }

            if (caFile is not null)
            {
                var roots = new X509Certificate2Collection();
                roots.ImportFromPemFile(caFile);
                options.CertificateChainPolicy = new()
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    RevocationMode = X509RevocationMode.NoCheck,
                };
                options.CertificateChainPolicy.CustomTrustStore.AddRange(roots);
            }
        }
        catch (Exception e) when (e is IOException or System.Security.Cryptography.CryptographicException or UnauthorizedAccessException)
        {
            throw new FormatException($"--store-ca, --store-cert, --store-key: {e.Message}", e);
        }

        return options;
    }

    private static FormatException Wrong(string url, string wanted)
    {
        // A password must not reach a log.
        int at = url.LastIndexOf('@');
        int start = url.IndexOf("://", StringComparison.Ordinal) + 3;
        string shown = at > start ? $"{url[..start]}…{url[at..]}" : url;
        return new($"--store is \"{shown}\"; {wanted}");
    }
}
