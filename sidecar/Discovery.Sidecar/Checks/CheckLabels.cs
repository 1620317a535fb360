using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Discovery.Catalog;
using Discovery.Sidecar.Registration;

namespace Discovery.Sidecar.Checks;

/// <summary>A label or variable as it was written.</summary>
internal readonly record struct CheckWord(string Label, string Value);

/// <summary>
/// What a container's labels and variables say of checks, sorted by whom it concerns: <c>discovery.check.*</c> by
/// name, and registrator's <c>SERVICE_CHECK_*</c> by port, under the same keys. Pure.
/// </summary>
internal sealed partial class CheckLabels
{
    /// <summary>Native keys that ask for a check.</summary>
    public static readonly ImmutableArray<string> Types = ["http", "https", "tcp", "grpc", "ttl", "exec"];

    /// <summary>Registrator's keys that ask for a check; of several the first of these counts, as there.</summary>
    public static readonly ImmutableArray<string> ServiceTypes = ["http", "https", "cmd", "script", "ttl", "tcp", "grpc"];

    private const string Prefix = "discovery.check.";

    /// <summary>Asks whether the image's HEALTHCHECK counts; no check of ours.</summary>
    private const string Docker = "docker";

    private static readonly ImmutableArray<string> Settings =
        ["method", "tls", "tls-verify", "interval", "timeout", "healthy-threshold", "unhealthy-threshold", "initial", "deregister-after"];

    private static readonly ImmutableArray<string> Known = [.. Types, Docker, .. Settings];

    // Registrator's word on the left, ours on the right.
    private static readonly ImmutableSortedDictionary<string, string> ServiceKeys = new Dictionary<string, string>
    {
        ["HTTP"] = "http",
        ["HTTPS"] = "https",
        ["CMD"] = "cmd",
        ["SCRIPT"] = "script",
        ["TTL"] = "ttl",
        ["TCP"] = "tcp",
        ["GRPC"] = "grpc",
        ["DOCKER"] = Docker,
        ["HTTP_METHOD"] = "method",
        ["HTTPS_METHOD"] = "https-method",
        ["GRPC_USE_TLS"] = "tls",
        ["TLS_SKIP_VERIFY"] = "tls-skip-verify",
        ["INTERVAL"] = "interval",
        ["TIMEOUT"] = "timeout",
        ["INITIAL_STATUS"] = "initial",
        ["DEREGISTER_AFTER"] = "deregister-after",
    }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    private readonly Dictionary<string, Dictionary<string, CheckWord>> _named = new(StringComparer.Ordinal);
    private readonly Dictionary<int, Dictionary<string, CheckWord>> _service = [];
    private readonly List<RejectedLabel> _rejected = [];

    private CheckLabels(ContainerLabels labels)
    {
        foreach ((string name, string value) in labels.Labels)
        {
            if (name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            {
                TakeNative(name[Prefix.Length..].ToLowerInvariant(), new(name, value.Trim()));
            }
        }

        // Labels last: one wins over a variable of its name, as in registrator.
        foreach ((string name, string value) in labels.Environment.Concat(labels.Labels))
        {
            if (ServiceLabel().Match(name) is { Success: true } match && value.Length > 0)
            {
                TakeService(match, new(name, value.Trim()));
            }
        }
    }

    /// <summary>Names that were given to checks, ascending; the unnamed ones are not among them.</summary>
    public IEnumerable<string> Names => _named.Keys.Where(static n => n.Length > 0).Order(StringComparer.Ordinal);

    /// <summary>Labels that nobody can follow, whatever the container is like.</summary>
    public IReadOnlyList<RejectedLabel> Rejected => _rejected;

    /// <summary>Whether anything was said of checks.</summary>
    public bool IsEmpty => _named.Count == 0 && _service.Count == 0;

    /// <summary>What was said of the HEALTHCHECK, by either kind of label.</summary>
    public CheckWord? Healthcheck => Native("", Docker) ?? Service(null, Docker);

    /// <summary>Reads a container's labels and variables.</summary>
    public static CheckLabels Of(ContainerLabels labels) => new(labels);

    /// <summary>What was said under this name, and only there; the empty name is that of <c>discovery.check.KEY</c>.</summary>
    public CheckWord? Native(string name, string key) =>
        _named.TryGetValue(name, out var words) && words.TryGetValue(key, out CheckWord word) ? word : null;

    /// <summary>What registrator's words say of a port: its own win over the container's.</summary>
    public CheckWord? Service(int? port, string key) =>
        port is { } own && _service.TryGetValue(own, out var words) && words.TryGetValue(key, out CheckWord word) ? word
        : _service.TryGetValue(0, out var all) && all.TryGetValue(key, out CheckWord common) ? common
        : null;

    /// <summary>All words of a name, for those that nothing comes of.</summary>
    public IEnumerable<KeyValuePair<string, CheckWord>> AllOf(string name) =>
        _named.TryGetValue(name, out var words) ? words.OrderBy(static w => w.Key, StringComparer.Ordinal) : [];

    /// <summary>All of registrator's words that set something and ask for nothing.</summary>
    public IEnumerable<KeyValuePair<string, CheckWord>> ServiceSettings => _service.OrderBy(static s => s.Key)
        .SelectMany(static s => s.Value.OrderBy(static w => w.Key, StringComparer.Ordinal))
        .Where(static w => !AsksForCheck(w.Key));

    /// <summary>Whether a key asks for a check, or whether the HEALTHCHECK is one, and does not only set something.</summary>
    public static bool AsksForCheck(string key) => key == Docker || Types.Contains(key) || ServiceTypes.Contains(key);

    /// <summary>The port that a name stands for; null when it is a name.</summary>
    public static int? PortOf(string name) =>
        ushort.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0 ? port : null;

    private void TakeNative(string rest, CheckWord word)
    {
        int dot = rest.LastIndexOf('.');
        (string name, string key) = dot < 0 ? ("", rest) : (rest[..dot], rest[(dot + 1)..]);
        if (name.Length > 0 && !CheckName().IsMatch(name))
        {
            Reject($"\"{name}\" is no name for a check; wanted at most 40 of a-z, 0-9, - and _, or one of the container's ports");
        }
        else if (name == Docker || (name.Length > 0 && key == Docker))
        {
            Reject($"docker is the image's HEALTHCHECK, of which there is one; say {Prefix}{Docker}=true or false");
        }
        else if (!Known.Contains(key))
        {
            Reject(Unknown(key, Known, static k => Prefix + k));
        }
        else
        {
            Words(_named, name)[key] = word;
        }

        void Reject(string reason) => _rejected.Add(new(word.Label, word.Value, reason));
    }

    private void TakeService(Match match, CheckWord word)
    {
        string written = match.Groups["key"].Value.ToUpperInvariant();
        if (match.Groups["port"].Success && PortOf(match.Groups["port"].Value) is null)
        {
            _rejected.Add(new(word.Label, word.Value, "the number in it is no port; wanted one from 1 to 65535"));
            return;
        }

        int port = PortOf(match.Groups["port"].Value) ?? 0;
        if (ServiceKeys.TryGetValue(written, out string? key))
        {
            Words(_service, port)[key] = word;
        }
        else
        {
            _rejected.Add(new(word.Label, word.Value, Unknown(written, ServiceKeys.Keys, static k => $"SERVICE_CHECK_{k}")));
        }
    }

    private static string Unknown(string key, IEnumerable<string> known, Func<string, string> spell)
    {
        string? near = known.Where(k => RouteLabels.Near(k, key)).OrderBy(k => Math.Abs(k.Length - key.Length)).FirstOrDefault();
        return near is null
            ? $"unknown setting of checks; known are {string.Join(", ", known.Select(spell))}"
            : $"unknown setting of checks; did you mean {spell(near)}?";
    }

    private static Dictionary<string, CheckWord> Words<TName>(Dictionary<TName, Dictionary<string, CheckWord>> all, TName name)
        where TName : notnull
    {
        if (!all.TryGetValue(name, out var words))
        {
            all[name] = words = new(StringComparer.Ordinal);
        }

        return words;
    }

    [GeneratedRegex(@"\A[a-z0-9_-]{1,40}\z")]
    private static partial Regex CheckName();

    // Upper case is registrator's rule for the prefix only.
    [GeneratedRegex(@"\ASERVICE_(?:(?<port>[0-9]{1,5})_)?(?i:CHECK)_(?<key>[A-Za-z0-9_]+)\z")]
    private static partial Regex ServiceLabel();
}
