using System.CommandLine;
using System.Text.RegularExpressions;
using Discovery.Catalog.Programs;
using Discovery.Sidecar.DropIn;
using Discovery.Sidecar.DropIn.Templates;
using Discovery.Sidecar.Mirrors;

namespace Discovery.Sidecar.Commands;

/// <summary>registrator's own flags, by its names. They count only with a registry's URI.</summary>
internal sealed partial class DropInFlags
{
    private const string Only = "with a registry URI: ";

    private readonly Option<bool> _internal = Flags.Switch("internal", Only + "register the container's own address and port, not the published ones");
    private readonly Option<bool> _explicit = Flags.Switch("explicit", Only + "only services that SERVICE_NAME or SERVICE_<port>_NAME names");
    private readonly Option<string?> _useIpFromLabel = Flags.Text("useIpFromLabel", "", Only + "label of a container whose value is its address, such as 10.0.0.7/24");
    private readonly Option<string?> _tags = Flags.Text("tags", "", Only + "tags for every service, parted by commas; a Go template over docker inspect");
    private readonly Option<string?> _deregister = Flags.Text("deregister", "always", Only + "always, or on-success: who ended with an error stays registered");
    private readonly Option<bool> _cleanup = Flags.Switch("cleanup", Only + "accepted; entries of this host without a container are always removed");
    private readonly Option<long> _retryAttempts = Flags.Number("retry-attempts", -1, -1, int.MaxValue, Only + "times that the registry is asked again at the start; -1 is for ever");
    private readonly Option<long> _retryInterval = Flags.Number("retry-interval", 2000, 1, int.MaxValue, Only + "milliseconds between these");

    /// <summary>All of them.</summary>
    public IEnumerable<Option> Options => [_internal, _explicit, _useIpFromLabel, _tags, _deregister, _cleanup, _retryAttempts, _retryInterval];

    /// <summary>
    /// The host part of every id is registrator's host name, as its users set it (<c>-h $HOSTNAME</c>, <c>--net=host</c>). Null where it is
    /// a container's own, which is another one after each start: then the engine's name for the host stands in.
    /// </summary>
    public static string? ProcessHostname => ContainerHostname().IsMatch(Environment.MachineName) ? null : Environment.MachineName;

    /// <summary>Reads and checks them; null without a registry.</summary>
    public DropInOptions? Read(ParseResult parsed, string? registry, List<string> problems)
    {
        if (registry is null)
        {
            IEnumerable<Option> given = Options.Where(option => parsed.GetResult(option) is { Implicit: false });
            problems.AddRange(given.Select(static option => $"{option.Name} is registrator's; it needs a registry URI, such as etcd://host:2379/services, at the end of the line"));
            return null;
        }

        try
        {
            return new DropInOptions
            {
                Registry = MirrorUri.Parse(registry, Environment.GetEnvironmentVariable),
                Internal = parsed.GetValue(_internal),
                Explicit = parsed.GetValue(_explicit),
                UseIpFromLabel = parsed.GetValue(_useIpFromLabel) ?? "",
                Tags = ReadTags(parsed.GetValue(_tags)),
                DeregisterOnSuccessOnly = parsed.GetValue(_deregister) switch
                {
                    "always" => false,
                    "on-success" => true,
                    var other => throw new FormatException($"-deregister is \"{other}\"; it must be always or on-success"),
                },
                RetryAttempts = parsed.GetValue(_retryAttempts) is >= 0 and var attempts ? (int)attempts : null,
                RetryInterval = TimeSpan.FromMilliseconds(parsed.GetValue(_retryInterval)),
            };
        }
        catch (FormatException e)
        {
            problems.Add(e.Message);
            return null;
        }
    }

    private static GoTemplate? ReadTags(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        (GoTemplate? template, string? error) = GoTemplate.Parse(text);
        return template ?? throw new FormatException($"-tags: {error}");
    }

    [GeneratedRegex(@"\A[0-9a-f]{12}\z")]
    private static partial Regex ContainerHostname();
}
