using System.CommandLine;
using System.CommandLine.Invocation;
using System.Globalization;
using System.Text.RegularExpressions;
using Discovery.Catalog;
using Discovery.Catalog.Programs;

namespace Discovery.Proxy;

/// <summary>The settings of <c>discovery-proxy</c>, checked.</summary>
internal sealed record ProxyOptions
{
    /// <summary>Where the catalog is.</summary>
    public required StoreAddress Store { get; init; }

    /// <summary>Where requests come in; port 0 is chosen by the system.</summary>
    public required IReadOnlyList<BindingAddress> Urls { get; init; }

    /// <summary>Where the admin pages are; nothing else is there, and they are nowhere else.</summary>
    public required BindingAddress AdminUrl { get; init; }

    /// <summary>A service without a host of its own is found at <c>&lt;service&gt;.&lt;domain&gt;</c>.</summary>
    public string Domain { get; init; } = "localhost";

    /// <summary>Under which name it announces itself; null = <c>&lt;host&gt;-&lt;port&gt;</c>.</summary>
    public string? Name { get; init; }

    /// <summary>From which level on events are logged.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;
}

/// <summary>The command line of <c>discovery-proxy</c>.</summary>
internal sealed partial class ProxyFlags
{
    private readonly Option<string?> _store = Flags.Text("store", "etcd://127.0.0.1:2379", "where the catalog is: etcd://[user:password@]host:port[,host:port…] or etcds://… for TLS");
    private readonly Option<string?> _storeCa = Flags.Text("store-ca", null, "PEM file with the authorities that the store's certificate is checked against");
    private readonly Option<string?> _storeCert = Flags.Text("store-cert", null, "PEM file with the certificate to show to the store");
    private readonly Option<string?> _storeKey = Flags.Text("store-key", null, "PEM file with that certificate's key");
    private readonly Option<string?> _urls = Flags.Text("urls", null, "where requests come in, comma-separated; default http://0.0.0.0:$DISCOVERY_HTTP_PORT, 80 if that is not set");
    private readonly Option<string?> _adminUrl = Flags.Text("admin-url", "http://127.0.0.1:8081", "where /healthz, /readyz, /metrics and /routes are");
    private readonly Option<string?> _domain = Flags.Text("domain", "localhost", "a service without a host of its own is found at <service>.<domain>");
    private readonly Option<string?> _name = Flags.Text("name", null, "the name to announce under, unique among proxies; default <host name>-<port>");
    private readonly Option<string?> _logLevel = Flags.Text("log-level", "info", "debug, info, warn or error");
    private readonly Option<bool> _healthcheck = Flags.Switch("healthcheck", "ask the proxy running at --admin-url for /healthz and end with 0 or 1; for a container's HEALTHCHECK");

    /// <summary>All flags, and what is done with them.</summary>
    /// <param name="run">Runs the proxy; returns the exit code.</param>
    /// <param name="healthcheck">Asks the one that runs.</param>
    /// <param name="error">Standard error.</param>
    public RootCommand Command(
        Func<ProxyOptions, CancellationToken, Task<int>> run, Func<ProxyOptions, CancellationToken, Task<int>> healthcheck, TextWriter error)
    {
        var root = new RootCommand("Routes HTTP requests to the services that the catalog holds.")
        {
            _store, _storeCa, _storeCert, _storeKey, _urls, _adminUrl, _domain, _name, _logLevel, _healthcheck,
        };
        root.Options.OfType<VersionOption>().Single().Action = new VersionAction();
        root.SetAction(async (parsed, cancellation) =>
        {
            var problems = new List<string>();
            ProxyOptions? options = Read(parsed, Environment.GetEnvironmentVariable("DISCOVERY_HTTP_PORT"), problems);
            foreach (string problem in problems)
            {
                await error.WriteLineAsync($"discovery-proxy: {problem}");
            }

            return options is null ? ExitCode.BadConfiguration
                : await (parsed.GetValue(_healthcheck) ? healthcheck : run)(options, cancellation);
        });
        return root;
    }

    /// <summary>Reads and checks everything, so that all that is wrong is said at once; null when something is.</summary>
    private ProxyOptions? Read(ParseResult parsed, string? httpPort, List<string> problems)
    {
        StoreAddress? store = null;
        try
        {
            store = StoreAddress.Parse(parsed.GetValue(_store)!, parsed.GetValue(_storeCa), parsed.GetValue(_storeCert), parsed.GetValue(_storeKey));
            if (store.IsEmbedded)
            {
                problems.Add("--store is \"embedded\"; the proxy holds no store: name the one inside the sidecar, such as etcd://127.0.0.1:2379");
            }
        }
        catch (FormatException e)
        {
            problems.Add(e.Message);
        }

        string urls = parsed.GetValue(_urls) ?? $"http://0.0.0.0:{Port(httpPort, problems)}";
        var listen = urls.Split(',', StringSplitOptions.TrimEntries).Select(url => Address("--urls", url, problems)).ToList();
        BindingAddress? admin = Address("--admin-url", parsed.GetValue(_adminUrl)!, problems);
        string domain = parsed.GetValue(_domain)!.Trim('.').ToLowerInvariant();
        if (!DomainName().IsMatch(domain))
        {
            problems.Add($"--domain is \"{domain}\"; it must be a domain name such as localhost or apps.example.com");
        }

        string? name = parsed.GetValue(_name);
        if (name is not null && !ProxyName().IsMatch(name))
        {
            problems.Add($"--name is \"{name}\"; it must be 1 to 100 of A-Z a-z 0-9 . _ -");
        }

        LogLevel level = Level(parsed.GetValue(_logLevel)!, problems);
        return problems.Count > 0
            ? null
            : new() { Store = store!, Urls = listen!, AdminUrl = admin!, Domain = domain, Name = name, LogLevel = level };
    }

    private static int Port(string? httpPort, List<string> problems)
    {
        if (string.IsNullOrEmpty(httpPort))
        {
            return 80;
        }

        if (int.TryParse(httpPort, NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port <= 65535)
        {
            return port;
        }

        problems.Add($"DISCOVERY_HTTP_PORT is \"{httpPort}\"; it must be a port from 0 to 65535");
        return 80;
    }

    private static BindingAddress? Address(string flag, string url, List<string> problems)
    {
        const string Wanted = "it must be http://address:port";
        if (url.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        {
            problems.Add($"{flag} is \"{url}\"; this version serves no TLS, {Wanted}");
            return null;
        }

        try
        {
            var address = BindingAddress.Parse(url);
            if (address is { Scheme: "http", PathBase: "" or "/", Port: >= 0 and <= 65535 } && !address.IsUnixPipe && !address.IsNamedPipe)
            {
                return address;
            }
        }
        catch (FormatException)
        {
        }

        problems.Add($"{flag} is \"{url}\"; {Wanted}");
        return null;
    }

    private static LogLevel Level(string text, List<string> problems)
    {
        LogLevel level = text.ToLowerInvariant() switch
        {
            "debug" => LogLevel.Debug,
            "info" => LogLevel.Information,
            "warn" => LogLevel.Warning,
            "error" => LogLevel.Error,
            _ => LogLevel.None,
        };
        if (level == LogLevel.None)
        {
            problems.Add($"--log-level is \"{text}\"; it must be debug, info, warn or error");
        }

        return level;
    }

    /// <summary>The library's own names the version only.</summary>
    private sealed class VersionAction : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine($"discovery-proxy {typeof(ProxyFlags).Assembly.GetName().Version!.ToString(3)}");
            return ExitCode.Ok;
        }
    }

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\z")]
    private static partial Regex DomainName();

    [GeneratedRegex(@"\A[A-Za-z0-9._-]{1,100}\z")]
    private static partial Regex ProxyName();
}
