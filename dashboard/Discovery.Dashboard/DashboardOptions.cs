using System.Net;
using Discovery.Catalog;

namespace Discovery.Dashboard;

/// <summary>All settings, checked.</summary>
internal sealed record DashboardOptions
{
    /// <summary>Where the dashboard listens unless told otherwise.</summary>
    public const string UrlsDefault = "http://127.0.0.1:8501";

    /// <summary>Whose catalog is shown.</summary>
    public required StoreAddress Store { get; init; }

    /// <summary>Where it listens; loopback only.</summary>
    public required EquatableArray<Uri> Urls { get; init; }

    /// <summary>The least level that is logged; the framework's own messages start at warning.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>Checks what was typed.</summary>
    /// <exception cref="FormatException">One line: what was found, what is wanted.</exception>
    public static DashboardOptions Parse(string store, string? ca, string? certificate, string? key, string urls, string level)
    {
        StoreAddress address = StoreAddress.Parse(store, ca, certificate, key);
        if (address.IsEmbedded)
        {
            throw new FormatException(
                "--store is \"embedded\"; the embedded store lives in the sidecar: name its address, such as etcd://127.0.0.1:2379");
        }

        return new() { Store = address, Urls = ParseUrls(urls), LogLevel = ParseLevel(level) };
    }

    /// <summary>One or more URLs, parted by <c>;</c> or <c>,</c>.</summary>
    public static EquatableArray<Uri> ParseUrls(string urls)
    {
        EquatableArray<Uri> all = urls
            .Split([';', ','], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(ParseUrl)
            .ToEquatableArray();
        return all.Count > 0 ? all : throw new FormatException($"--urls is empty; it must name one URL or more, such as {UrlsDefault}");
    }

    private static Uri ParseUrl(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url)
            || url.Scheme != Uri.UriSchemeHttp
            || url.PathAndQuery != "/"
            || url.UserInfo.Length > 0)
        {
            throw new FormatException($"--urls is \"{text}\"; it must be http://<loopback address>:<port>, such as {UrlsDefault}");
        }

        bool loopback = url.Host == "localhost" || (IPAddress.TryParse(url.DnsSafeHost, out IPAddress? address) && IPAddress.IsLoopback(address));
        return loopback ? url : throw new FormatException(
            $"--urls is \"{text}\", which others can reach; until a login is set up the dashboard stays on loopback: use {UrlsDefault} and an SSH tunnel (ssh -L 8501:127.0.0.1:8501 <host>)");
    }

    private static LogLevel ParseLevel(string level) => level switch
    {
        "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => throw new FormatException($"--log-level is \"{level}\"; it must be debug, info, warn or error"),
    };
}
