using System.CommandLine;
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
    private readonly CatalogFlags _catalog = new("etcd://127.0.0.1:2379");
    private readonly Option<string?> _urls = Flags.Text("urls", null, "where requests come in, comma-separated; default http://0.0.0.0:$DISCOVERY_HTTP_PORT, 80 if that is not set");
    private readonly Option<string?> _adminUrl = Flags.Text("admin-url", "http://127.0.0.1:8081", "where /healthz, /readyz, /metrics and /routes are");
    private readonly Option<string?> _domain = Flags.Text("domain", "localhost", "a service without a host of its own is found at <service>.<domain>");
    private readonly Option<string?> _name = Flags.Text("name", null, "the name to announce under, unique among proxies; default <host name>-<port>");
    private readonly Option<string?> _logLevel = ProgramLog.Flag();
    private readonly Option<bool> _healthcheck = SelfCheck.Flag("--admin-url", "/healthz");

    /// <summary>All flags, and what is done with them.</summary>
    /// <param name="run">Runs the proxy; returns the exit code.</param>
    /// <param name="healthcheck">Asks the one that runs.</param>
    /// <param name="error">Standard error.</param>
    public RootCommand Command(
        Func<ProxyOptions, CancellationToken, Task<int>> run, Func<ProxyOptions, CancellationToken, Task<int>> healthcheck, TextWriter error)
    {
        var root = new RootCommand("Routes HTTP requests to the services that the catalog holds.")
        {
            _urls, _adminUrl, _domain, _name, _logLevel, _healthcheck,
        };
        foreach (Option option in _catalog.All)
        {
            root.Options.Add(option);
        }

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
        StoreAddress? store = _catalog.Read(parsed, problems);
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

        LogLevel level = ProgramLog.Level(parsed.GetValue(_logLevel)!, problems);
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

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\z")]
    private static partial Regex DomainName();

    [GeneratedRegex(@"\A[A-Za-z0-9._-]{1,100}\z")]
    private static partial Regex ProxyName();
}
