using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Discovery.Catalog;
using Discovery.Catalog.Programs;

namespace Discovery.Sidecar.Checks;

/// <summary>
/// The values of a check's labels. One that is wrong is rejected with what was wanted and leaves the default, so that
/// a slip in a timeout does not take the check away. Pure.
/// </summary>
/// <param name="find">What was said under a key for the check in question.</param>
/// <param name="rejected">Takes what cannot be followed.</param>
internal sealed partial class CheckSettings(Func<string, CheckWord?> find, List<RejectedLabel> rejected)
{
    private static readonly ImmutableArray<string> Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

    /// <summary>Rejects a word.</summary>
    public void Reject(CheckWord word, string reason) => rejected.Add(new(word.Label, word.Value, reason));

    /// <summary>The check with everything that is set beside it, as far as its type has a use for it.</summary>
    public CheckSpec Apply(CheckSpec spec, CheckTarget? target)
    {
        bool isHttp = spec.Type is CheckType.Http or CheckType.Https;
        bool isRun = spec.Type != CheckType.Ttl;
        bool isTls = spec.Type == CheckType.Https || (spec.Type == CheckType.Grpc && Flag("tls") == true);
        string methodKey = spec.Type == CheckType.Https && find("https-method") is not null ? "https-method" : "method";
        return spec with
        {
            Method = isHttp ? Method(methodKey, spec.Method) : spec.Method,
            IsTls = isTls,
            TlsName = isTls ? TlsName(target) : null,
            Interval = isRun ? Time("interval", CheckLimits.IntervalMin, CheckLimits.IntervalMax) ?? spec.Interval : spec.Interval,
            Timeout = isRun ? Time("timeout", CheckLimits.TimeoutMin, CheckLimits.TimeoutMax) ?? spec.Timeout : spec.Timeout,
            HealthyThreshold = Count("healthy-threshold") ?? spec.HealthyThreshold,
            UnhealthyThreshold = Count("unhealthy-threshold") ?? spec.UnhealthyThreshold,
            Initial = Status("initial") ?? spec.Initial,
            DeregisterAfter = Time("deregister-after", CheckLimits.TtlMin, CheckLimits.TtlMax),
        };
    }

    /// <summary>Port and path of a check that asks over the network.</summary>
    /// <returns>Null when the value is no such thing; it is rejected then.</returns>
    public (int? Port, string Path)? Place(CheckWord word, CheckType type)
    {
        if (type is CheckType.Tcp or CheckType.Grpc && IsYes(word.Value))
        {
            return (null, "");
        }

        Match match = type == CheckType.Grpc ? GrpcPlace().Match(word.Value) : HttpPlace().Match(word.Value);
        string path = match.Groups["path"].Value;
        int? port = match.Groups["port"].Success ? CheckLabels.PortOf(match.Groups["port"].Value) : null;
        bool isWrong = !match.Success || word.Value.Length > CheckLimits.Text || (match.Groups["port"].Success && port is null);
        if (isWrong || word.Value.Length == 0 || (type == CheckType.Tcp && path.Length > 0))
        {
            string wanted = type switch
            {
                CheckType.Tcp => "true, or a port such as 5432",
                CheckType.Grpc => "true, a service's name such as shop.Cart, or a port before it such as :9000/shop.Cart",
                _ => "a path such as /healthz, or a port before it such as :8081/healthz",
            };
            Reject(word, $"a check asks the container's own address and no other; wanted {wanted}");
            return null;
        }

        return (port, type is CheckType.Http or CheckType.Https && path.Length == 0 ? "/" : path);
    }

    /// <summary>The command as Docker's CMD has it: a JSON array is run as it is, all else by the container's shell.</summary>
    public ImmutableArray<string>? Command(CheckWord word)
    {
        if (word.Value.Length is 0 or > CheckLimits.Text)
        {
            Reject(word, $"wanted a command of at most {CheckLimits.Text} characters");
            return null;
        }

        if (!word.Value.StartsWith('['))
        {
            return ["/bin/sh", "-c", word.Value];
        }

        try
        {
            string[]? words = JsonSerializer.Deserialize<string[]>(word.Value);
            if (words is { Length: > 0 } && !words.Any(string.IsNullOrEmpty))
            {
                return [.. words];
            }
        }
        catch (JsonException)
        {
            // Said below.
        }

        Reject(word, "wanted a command for the container's shell, or a JSON array of program and arguments such as [\"/bin/check\",\"-q\"]");
        return null;
    }

    /// <summary>A time within bounds; null when nothing was said, or something wrong.</summary>
    public TimeSpan? Time(string key, TimeSpan min, TimeSpan max) => Read<TimeSpan?>(
        key,
        value => CheckDuration.Parse(value) is { } time && time >= min && time <= max ? time : null,
        $"a time from {Flags.Format(min)} to {Flags.Format(max)} such as 10s or 1m30s");

    /// <summary>Whether a word says yes; everything but false, 0 and no does.</summary>
    public static bool IsYes(string value) => value.ToLowerInvariant() is "true" or "1" or "yes" or "on";

    /// <summary>Whether a word says no.</summary>
    public static bool IsNo(string value) => value.ToLowerInvariant() is "false" or "0" or "no" or "off";

    private bool? Flag(string key) => Read<bool?>(key, static value => IsYes(value) ? true : IsNo(value) ? false : null, "true or false");

    private int? Count(string key) => Read<int?>(
        key,
        static value => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count is >= 1 and <= CheckLimits.Threshold ? count : null,
        $"a whole number from 1 to {CheckLimits.Threshold}");

    private Health? Status(string key) => Read<Health?>(
        key,
        static value => value.ToLowerInvariant() switch
        {
            "passing" => Health.Passing,
            "warning" => Health.Warning,
            "critical" => Health.Critical,
            "starting" => Health.Starting,
            _ => null,
        },
        "passing, warning, critical or starting");

    private string Method(string key, string fallback) => Read(
        key,
        static value => Methods.Contains(value.ToUpperInvariant()) ? value.ToUpperInvariant() : null,
        $"one of {string.Join(", ", Methods)}") ?? fallback;

    /// <summary>Addresses are rarely in certificates, so the name that is expected may be given instead of true.</summary>
    private string? TlsName(CheckTarget? target)
    {
        if (Flag("tls-skip-verify") == false)
        {
            return target?.Address;
        }

        string? name = Read(
            "tls-verify",
            static value => IsYes(value) || IsNo(value) || Host().IsMatch(value) ? value : null,
            "true, false, or the name that the certificate must be for");
        return name is null || IsNo(name) ? null : IsYes(name) ? target?.Address : name.ToLowerInvariant();
    }

    private T? Read<T>(string key, Func<string, T?> parse, string wanted)
    {
        if (find(key) is not { } word)
        {
            return default;
        }

        T? value = parse(word.Value);
        if (value is null)
        {
            Reject(word, $"wanted {wanted}");
        }

        return value;
    }

    // A port alone, with or without the colon, or a path with or without a port. Visible ASCII only, and never "//": it begins a host.
    [GeneratedRegex(@"\A(?::?(?<port>[0-9]{1,5}))?(?<path>/(?!/)[!-\[\]-~]*)?\z")]
    private static partial Regex HttpPlace();

    [GeneratedRegex(@"\A(?::(?<port>[0-9]{1,5}))?(?:(?(port)/|/?)(?<path>[A-Za-z_][A-Za-z0-9_.]*))?\z")]
    private static partial Regex GrpcPlace();

    [GeneratedRegex(@"\A(?=.{1,253}\z)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\z")]
    private static partial Regex Host();
}
