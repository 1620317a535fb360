using System.Web;
using Discovery.Catalog;

namespace Discovery.Sidecar.Mirrors;

/// <summary>The kinds of backend.</summary>
internal enum MirrorKind
{
    /// <summary>etcd, v2 where it answers, else v3.</summary>
    Etcd,

    /// <summary>etcd's v2 API.</summary>
    Etcd2,

    /// <summary>etcd's v3 API.</summary>
    Etcd3,

    /// <summary>A Consul agent's services.</summary>
    Consul,

    /// <summary>Consul's key-value store.</summary>
    ConsulKv,

    /// <summary>SkyDNS records in etcd v2.</summary>
    Skydns2,

    /// <summary>SkyDNS records in etcd v3, for CoreDNS.</summary>
    Coredns,

    /// <summary>Ephemeral ZooKeeper nodes.</summary>
    Zookeeper,
}

/// <summary>
/// Where a mirror writes, as registrator's positional argument says it:
/// <c>etcd://[user:password@]host[:port][,host…]/prefix</c> and the like. Pure.
/// </summary>
internal sealed record MirrorUri
{
    private const string Wanted =
        "etcd://host:2379/prefix, etcd2://, etcd3://, consul://host:8500, consul-tls://, consul-unix:///socket, "
        + "consulkv://host:8500/prefix, consulkv-unix:///socket:/prefix, skydns2://host:2379/domain, "
        + "coredns://host:2379/skydns?zone=domain or zookeeper://host:2181/path";

    /// <summary>Which API and layout.</summary>
    public required MirrorKind Kind { get; init; }

    /// <summary>The scheme as it was given.</summary>
    public required string Scheme { get; init; }

    /// <summary>Each <c>host:port</c>, in the order to try; empty with a socket.</summary>
    public EquatableArray<string> Hosts { get; init; } = [];

    /// <summary>The Unix socket's path; null for TCP.</summary>
    public string? Socket { get; init; }

    /// <summary>Below which everything stands: empty, or with a leading and no trailing slash.</summary>
    public string Path { get; init; } = "";

    /// <summary>Whether to speak TLS.</summary>
    public bool IsTls { get; init; }

    /// <summary>User for etcd or for Consul's HTTP auth; null when none is sent.</summary>
    public string? User { get; init; }

    /// <summary>The user's password.</summary>
    public string? Password { get; init; }

    /// <summary>Consul's ACL token; null when none is sent.</summary>
    public string? Token { get; init; }

    /// <summary>PEM file of the authorities to trust; null for the machine's.</summary>
    public string? CaFile { get; init; }

    /// <summary>PEM file of our certificate; null for none.</summary>
    public string? CertFile { get; init; }

    /// <summary>PEM file of its key.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Whom logs and pages name; never a password or token.</summary>
    public override string ToString() =>
        Socket is not null ? $"{Scheme}://{Socket}{(Kind == MirrorKind.ConsulKv ? $":{Path}" : "")}" : $"{Scheme}://{string.Join(',', Hosts)}{Path}";

    /// <summary>Reads a URI.</summary>
    /// <param name="text">As it was given.</param>
    /// <param name="environment">A variable's value or null: Consul's client is set up by <c>CONSUL_*</c>.</param>
    /// <exception cref="FormatException">One line: what was found, what is wanted.</exception>
    public static MirrorUri Parse(string text, Func<string, string?> environment)
    {
        int end = text.IndexOf("://", StringComparison.Ordinal);
        string scheme = end < 0 ? "" : text[..end];
        string rest = end < 0 ? "" : text[(end + 3)..];
        return scheme switch
        {
            "etcd" => Etcd(text, MirrorKind.Etcd, scheme, rest),
            "etcds" => Etcd(text, MirrorKind.Etcd, scheme, rest) with { IsTls = true },
            "etcd2" => Etcd(text, MirrorKind.Etcd2, scheme, rest),
            "etcd3" => Etcd(text, MirrorKind.Etcd3, scheme, rest),
            "skydns2" => Skydns2(text, scheme, rest),
            "coredns" => Coredns(text, scheme, rest),
            "zookeeper" => Network(text, MirrorKind.Zookeeper, scheme, rest, 2181, null),
            "consul" or "consul-tls" => Consul(text, MirrorKind.Consul, scheme, rest, environment),
            "consulkv" => Consul(text, MirrorKind.ConsulKv, scheme, rest, environment),
            "consul-unix" => ConsulSocket(text, MirrorKind.Consul, scheme, rest, "", environment),
            "consulkv-unix" when rest.LastIndexOf(':') is > 0 and var colon =>
                ConsulSocket(text, MirrorKind.ConsulKv, scheme, rest[..colon], rest[(colon + 1)..], environment),
            _ => throw Wrong(text, $"it must be one of {Wanted}"),
        };
    }

    private static MirrorUri Etcd(string text, MirrorKind kind, string scheme, string rest)
    {
        MirrorUri uri = Network(text, kind, scheme, rest, 2379, "127.0.0.1");
        var query = Query(text, rest, "ca", "cert", "key");
        bool hasFiles = query.Count > 0;
        return query.ContainsKey("cert") != query.ContainsKey("key")
            ? throw Wrong(text, "cert= and key= go together")
            : uri with
            {
                IsTls = hasFiles,
                CaFile = query.GetValueOrDefault("ca"),
                CertFile = query.GetValueOrDefault("cert"),
                KeyFile = query.GetValueOrDefault("key"),
            };
    }

    private static MirrorUri Skydns2(string text, string scheme, string rest)
    {
        MirrorUri uri = Network(text, MirrorKind.Skydns2, scheme, rest, 2379, "127.0.0.1");
        string domain = uri.Path.TrimStart('/');
        return domain.Length == 0 || domain.Contains('/')
            ? throw Wrong(text, "it needs a DNS domain: skydns2://host:2379/domain")
            : uri with { Path = Reversed("/skydns", domain) };
    }

    private static MirrorUri Coredns(string text, string scheme, string rest)
    {
        MirrorUri uri = Network(text, MirrorKind.Coredns, scheme, rest, 2379, "127.0.0.1");
        string zone = Query(text, rest, "zone").GetValueOrDefault("zone") ?? "local";
        return uri with { Path = Reversed(uri.Path.Length == 0 ? "/skydns" : uri.Path, zone) };
    }

    private static string Reversed(string prefix, string domain) =>
        $"{prefix}/{string.Join('/', domain.Trim('.').Split('.').Reverse())}";

    private static MirrorUri Consul(string text, MirrorKind kind, string scheme, string rest, Func<string, string?> environment)
    {
        string fallback = (Set(environment, "CONSUL_HTTP_ADDR") ?? "127.0.0.1:8500").Replace("http://", "", StringComparison.Ordinal);
        MirrorUri uri = WithConsulSettings(Network(text, kind, scheme, rest, 8500, fallback), environment);
        return scheme != "consul-tls" ? uri : uri with
        {
            IsTls = true,
            CaFile = Set(environment, "CONSUL_CACERT"),
            // registrator's documents and its code name these differently; both are in use.
            CertFile = Set(environment, "CONSUL_CLIENT_CERT") ?? Set(environment, "CONSUL_TLSCERT"),
            KeyFile = Set(environment, "CONSUL_CLIENT_KEY") ?? Set(environment, "CONSUL_TLSKEY"),
        };
    }

    private static MirrorUri ConsulSocket(
        string text, MirrorKind kind, string scheme, string socket, string path, Func<string, string?> environment) =>
        socket.Length == 0
            ? throw Wrong(text, $"it needs a socket: {scheme}:///path/to/socket{(kind == MirrorKind.ConsulKv ? ":/prefix" : "")}")
            : WithConsulSettings(new() { Kind = kind, Scheme = scheme, Socket = socket, Path = PathOf(text, path) }, environment);

    private static MirrorUri WithConsulSettings(MirrorUri uri, Func<string, string?> environment)
    {
        string[]? auth = Set(environment, "CONSUL_HTTP_AUTH")?.Split(':', 2);
        return uri with
        {
            Token = Set(environment, "CONSUL_HTTP_TOKEN"),
            User = auth?[0],
            Password = auth is null ? null : auth.Length == 2 ? auth[1] : "",
        };
    }

    private static MirrorUri Network(string text, MirrorKind kind, string scheme, string rest, int port, string? fallback)
    {
        rest = rest.Split('?', 2)[0];
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        string authority = slash < 0 ? rest : rest[..slash];
        string path = slash < 0 ? "" : rest[slash..];
        string? user = null, password = null;
        if (authority.LastIndexOf('@') is >= 0 and var at)
        {
            string[] credentials = authority[..at].Split(':', 2);
            (user, password) = (Uri.UnescapeDataString(credentials[0]), credentials.Length == 2 ? Uri.UnescapeDataString(credentials[1]) : "");
            authority = authority[(at + 1)..];
        }

        if (authority.Length == 0)
        {
            authority = fallback ?? throw Wrong(text, $"it needs a host: {scheme}://host:{port}/path");
        }

        return new()
        {
            Kind = kind,
            Scheme = scheme,
            Hosts = authority.Split(',').Select(host => Host(text, host, port)).ToEquatableArray(),
            Path = PathOf(text, path),
            User = user,
            Password = password,
        };
    }

    private static string Host(string text, string host, int port)
    {
        bool hasPort = host.LastIndexOf(':') > host.LastIndexOf(']');
        return host.Length > 0
            && Uri.TryCreate($"tcp://{host}{(hasPort ? "" : $":{port}")}", UriKind.Absolute, out Uri? uri)
            && uri is { Host.Length: > 0, Port: > 0, UserInfo: "", AbsolutePath: "" or "/" }
                ? $"{uri.Host}:{uri.Port}"
                : throw Wrong(text, $"\"{host}\" is not host or host:port");
    }

    private static string PathOf(string text, string path)
    {
        string[] parts = [.. path.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Uri.UnescapeDataString)];
        return parts.Any(static part => part is "." or "..")
            ? throw Wrong(text, "its path must not have the parts . or ..")
            : string.Concat(parts.Select(static part => $"/{part}"));
    }

    private static Dictionary<string, string> Query(string text, string rest, params string[] known)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        if (rest.IndexOf('?', StringComparison.Ordinal) is >= 0 and var mark)
        {
            var query = HttpUtility.ParseQueryString(rest[(mark + 1)..]);
            foreach (string? name in query.AllKeys)
            {
                found[name ?? ""] = known.Contains(name)
                    ? query[name] ?? ""
                    : throw Wrong(text, $"\"{name}\" is not known after the question mark; known: {string.Join(", ", known)}");
            }
        }

        return found;
    }

    private static string? Set(Func<string, string?> environment, string name) => environment(name) is { Length: > 0 } value ? value : null;

    private static FormatException Wrong(string text, string wanted)
    {
        // A password must not reach a log.
        int at = text.LastIndexOf('@');
        int start = text.IndexOf("://", StringComparison.Ordinal) + 3;
        string shown = at > start && start > 2 ? $"{text[..start]}…{text[at..]}" : text;
        return new($"the registry URI is \"{shown}\"; {wanted}");
    }
}
