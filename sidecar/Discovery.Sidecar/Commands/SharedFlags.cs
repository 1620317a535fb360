using System.CommandLine;
using System.Net;
using Discovery.Catalog;
using Discovery.Catalog.Programs;

namespace Discovery.Sidecar.Commands;

/// <summary>The flags that several commands share. Reading them collects what is wrong, so that all of it is said at once.</summary>
internal sealed class SharedFlags(string storeDefault)
{
    private readonly CatalogFlags _catalog = new(storeDefault, allowsEmbedded: true);
    private readonly Option<string?> _adminUrl = Flags.Text("admin-url", "http://127.0.0.1:9460", "the agent's own pages: /healthz, /readyz, /metrics, /v1/why");
    private readonly Option<string?> _logLevel = ProgramLog.Flag();

    /// <summary>The flags of <see cref="Store"/>.</summary>
    public IEnumerable<Option> StoreOptions => _catalog.All;

    /// <summary>The flag of <see cref="AdminUrl"/>.</summary>
    public Option AdminOption => _adminUrl;

    /// <summary>The flag of <see cref="Level"/>.</summary>
    public Option LevelOption => _logLevel;

    /// <summary>Where the catalog is.</summary>
    public StoreAddress? Store(ParseResult parsed, List<string> problems) => _catalog.Read(parsed, problems);

    /// <summary>Whether somebody asked for a store.</summary>
    public bool IsStoreGiven(ParseResult parsed) =>
        StoreOptions.Any(option => parsed.GetResult(option) is { Implicit: false }) || Environment.GetEnvironmentVariable($"{Flags.Prefix}STORE") is { Length: > 0 };

    /// <summary>Where the agent's own pages are.</summary>
    public Uri? AdminUrl(ParseResult parsed, List<string> problems)
    {
        string text = parsed.GetValue(_adminUrl)!;
        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url is { Scheme: "http", PathAndQuery: "/" }
            && (url.Host == "localhost" || IPAddress.TryParse(url.Host.Trim('[', ']'), out _)))
        {
            return url;
        }

        problems.Add($"--admin-url is \"{text}\"; it must be http://<address>:<port>, such as http://127.0.0.1:9460");
        return null;
    }

    /// <summary>From which level on events are logged.</summary>
    public LogLevel Level(ParseResult parsed, List<string> problems) => ProgramLog.Level(parsed.GetValue(_logLevel)!, problems);
}
