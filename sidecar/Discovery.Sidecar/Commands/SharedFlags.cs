using System.CommandLine;
using System.Net;
using Discovery.Catalog;
using Discovery.Catalog.Programs;

namespace Discovery.Sidecar.Commands;

/// <summary>The flags that several commands share. Reading them collects what is wrong, so that all of it is said at once.</summary>
internal sealed class SharedFlags(string storeDefault)
{
    private readonly Option<string?> _store = Flags.Text(
        "store", storeDefault, "where the catalog is: embedded (inside this process), etcd://[user:password@]host:port[,host:port…], or etcds://… for TLS");

    private readonly Option<string?> _storeCa = Flags.Text("store-ca", null, "PEM file with the authorities that the store's certificate is checked against");
    private readonly Option<string?> _storeCert = Flags.Text("store-cert", null, "PEM file with the certificate to show to the store");
    private readonly Option<string?> _storeKey = Flags.Text("store-key", null, "PEM file with that certificate's key");
    private readonly Option<string?> _adminUrl = Flags.Text("admin-url", "http://127.0.0.1:9460", "the agent's own pages: /healthz, /readyz, /metrics, /v1/why");
    private readonly Option<string?> _logLevel = Flags.Text("log-level", "info", "debug, info, warn or error");

    /// <summary>The flags of <see cref="Store"/>.</summary>
    public IEnumerable<Option> StoreOptions => [_store, _storeCa, _storeCert, _storeKey];

    /// <summary>The flag of <see cref="AdminUrl"/>.</summary>
    public Option AdminOption => _adminUrl;

    /// <summary>The flag of <see cref="Level"/>.</summary>
    public Option LevelOption => _logLevel;

    /// <summary>Where the catalog is.</summary>
    public StoreAddress? Store(ParseResult parsed, List<string> problems)
    {
        try
        {
            return StoreAddress.Parse(
                parsed.GetValue(_store)!, parsed.GetValue(_storeCa), parsed.GetValue(_storeCert), parsed.GetValue(_storeKey));
        }
        catch (FormatException e)
        {
            problems.Add(e.Message);
            return null;
        }
    }

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
    public LogLevel Level(ParseResult parsed, List<string> problems)
    {
        string text = parsed.GetValue(_logLevel)!;
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
}
