using System.Collections.Immutable;
using System.Text;
using Discovery.Catalog;
using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar.Registration;

/// <summary>
/// What a container says of itself in registrator's words: <c>SERVICE_KEY</c> for all its ports and
/// <c>SERVICE_PORT_KEY</c> for one, in its environment and its labels; a label wins over a variable. Pure.
/// </summary>
internal sealed class ContainerLabels
{
    private const string ServicePrefix = "SERVICE_";

    // SERVICE_ID replaces the whole id in registrator; here ids tell who may write a key, so it is refused.
    private static readonly ImmutableHashSet<string> Reserved = ["name", "tags", "ignore", "id"];

    // Keys in lower case; those of one port as "<port>_<key>".
    private readonly Dictionary<string, (string Label, string Value)> _service = new(StringComparer.Ordinal);

    private ContainerLabels(ContainerConfig config)
    {
        Labels = (config.Labels ?? []).ToImmutableSortedDictionary(StringComparer.Ordinal);
        Environment = (config.Env ?? [])
            .Select(static line => line.Split('=', 2))
            .Where(static pair => pair.Length == 2)
            .Aggregate(
                ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal),
                static (all, pair) => all.SetItem(pair[0], pair[1]));
        foreach ((string name, string value) in Environment.Concat(Labels))
        {
            if (name.StartsWith(ServicePrefix, StringComparison.Ordinal) && name.Length > ServicePrefix.Length)
            {
                _service[name[ServicePrefix.Length..].ToLowerInvariant()] = (name, value);
            }
        }
    }

    /// <summary>All labels, by name.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; }

    /// <summary>All variables, by name.</summary>
    public ImmutableSortedDictionary<string, string> Environment { get; }

    /// <summary>Whether the container as a whole is not to be registered.</summary>
    public (string Label, string Value)? Ignored => Yes("ignore");

    /// <summary>Reads a container's environment and labels.</summary>
    public static ContainerLabels Of(Container container) => new(container.Config ?? new());

    /// <summary>Whether this port alone is not to be registered.</summary>
    public bool IsIgnored(int port) => Yes($"{port}_ignore") is not null;

    /// <summary>The name given to this port alone.</summary>
    public (string Label, string Value)? PortName(int port) => Text($"{port}_name");

    /// <summary>The name given to the container.</summary>
    public (string Label, string Value)? Name => Text("name");

    /// <summary>The tags of a port: its own, else the container's. Commas part them; <c>\,</c> is a comma.</summary>
    public EquatableArray<string> Tags(int port)
    {
        string text = (Text($"{port}_tags") ?? Text("tags"))?.Value ?? "";
        var tags = new List<string>();
        var tag = new StringBuilder();
        for (int i = 0; i <= text.Length; i++)
        {
            if (i < text.Length - 1 && text[i] == '\\' && text[i + 1] == ',')
            {
                tag.Append(',');
                i++;
            }
            else if (i < text.Length && text[i] != ',')
            {
                tag.Append(text[i]);
            }
            else
            {
                tags.Add(tag.ToString().Trim());
                tag.Clear();
            }
        }

        return tags.Where(static t => t.Length > 0).Distinct(StringComparer.Ordinal).ToEquatableArray();
    }

    /// <summary>Everything else that was said of a port; its own words win over the container's.</summary>
    public EquatableMap Meta(int port)
    {
        var all = new List<KeyValuePair<string, string>>();
        var own = new List<KeyValuePair<string, string>>();
        foreach ((string key, (_, string value)) in _service)
        {
            (int? of, string rest) = PortOf(key);
            if (!Reserved.Contains(rest) && (of is null || of == port))
            {
                (of is null ? all : own).Add(new(rest, value));
            }
        }

        return EquatableMap.From(all.Concat(own));
    }

    /// <summary>What was said in these words and cannot be followed.</summary>
    public IEnumerable<RejectedLabel> Rejected(IReadOnlyCollection<int> ports)
    {
        foreach ((string key, (string label, string value)) in _service.OrderBy(static s => s.Key, StringComparer.Ordinal))
        {
            (int? of, string rest) = PortOf(key);
            if (rest == "id")
            {
                yield return new(label, value, "ids are <host>:<container>:<port> here, so that two hosts can never write the same one");
            }
            else if (of is { } port && !ports.Contains(port))
            {
                yield return new(label, value, $"the container publishes no port {port}; it publishes {ContainerPorts.Names(ports)}");
            }
        }
    }

    private static (int? Port, string Key) PortOf(string key)
    {
        int split = key.IndexOf('_', StringComparison.Ordinal);
        return split > 0 && split < key.Length - 1 && ushort.TryParse(key.AsSpan(0, split), out ushort port)
            ? (port, key[(split + 1)..])
            : (null, key);
    }

    private (string Label, string Value)? Text(string key) =>
        _service.TryGetValue(key, out var found) && found.Value.Length > 0 ? found : null;

    // Unlike in registrator "false" does not mean yes.
    private (string Label, string Value)? Yes(string key) =>
        Text(key) is { } found && found.Value.Trim().ToLowerInvariant() is not ("false" or "0" or "no" or "") ? found : null;
}
