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

    /// <summary>One or more URLs, parted by <c>;</c> or <c>,</c>; a line among the problems for each that will not do.</summary>
    public static EquatableArray<Uri> ParseUrls(string urls, List<string> problems)
    {
        string[] all = urls.Split([';', ','], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (all.Length == 0)
        {
            problems.Add($"--urls is empty; it must name one URL or more, such as {UrlsDefault}");
        }

        var parsed = new List<Uri>();
        foreach (string text in all)
        {
            if (Problem(text, out Uri? url) is { } problem)
            {
                problems.Add(problem);
            }
            else
            {
                parsed.Add(url!);
            }
        }

        return parsed.ToEquatableArray();
    }

    private static string? Problem(string text, out Uri? url)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out url)
            || url.Scheme != Uri.UriSchemeHttp
            || url.PathAndQuery != "/"
            || url.UserInfo.Length > 0)
        {
            return $"--urls is \"{text}\"; it must be http://<loopback address>:<port>, such as {UrlsDefault}";
        }

        bool loopback = url.Host == "localhost" || (IPAddress.TryParse(url.DnsSafeHost, out IPAddress? address) && IPAddress.IsLoopback(address));
        return loopback ? null
            : $"--urls is \"{text}\", which others can reach; until a login is set up the dashboard stays on loopback: "
            + $"use {UrlsDefault} and an SSH tunnel (ssh -L 8501:127.0.0.1:8501 <host>)";
    }
}
