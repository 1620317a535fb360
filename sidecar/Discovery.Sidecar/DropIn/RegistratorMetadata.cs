using System.Text;
using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar.DropIn;

/// <summary>
/// What a container says of one of its ports in <c>SERVICE_*</c>, read as registrator reads it: variables first, then labels; the
/// later of two wins, and what names the port wins over what does not. Pure.
/// </summary>
internal sealed class RegistratorMetadata
{
    private const string Prefix = "SERVICE_";

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _ofPort = new(StringComparer.Ordinal);

    private RegistratorMetadata()
    {
    }

    /// <summary>Everything that is not a word of registrator's own, by key in lower case.</summary>
    public IEnumerable<KeyValuePair<string, string>> Attrs =>
        _values.Where(static pair => pair.Key is not ("name" or "tags" or "id" or "ignore"));

    /// <summary>Reads a container's variables and labels for one of its ports.</summary>
    /// <param name="container">As inspected.</param>
    /// <param name="port">The container's own port.</param>
    public static RegistratorMetadata Of(Container container, string port)
    {
        var metadata = new RegistratorMetadata();
        IEnumerable<string[]> variables = (container.Config?.Env ?? []).Select(static line => line.Split('=', 2));
        IEnumerable<string[]> labels = (container.Config?.Labels ?? [])
            .OrderBy(static label => label.Key, StringComparer.Ordinal)
            .Select(static label => (string[])[label.Key, label.Value]);
        foreach (string[] pair in variables.Concat(labels))
        {
            if (pair.Length == 2 && pair[0].StartsWith(Prefix, StringComparison.Ordinal))
            {
                metadata.Add(pair[0][Prefix.Length..].ToLowerInvariant(), pair[1], port);
            }
        }

        return metadata;
    }

    /// <summary>What was said under a key; empty when nothing was, which counts as the same.</summary>
    public string Get(string key) => _values.GetValueOrDefault(key, "");

    /// <summary>Whether what stands under the key was said of this port alone.</summary>
    public bool IsOfPort(string key) => _ofPort.Contains(key);

    /// <summary>
    /// The tags of all texts: parted by commas, <c>\,</c> is a comma, empty ones are dropped. A set; in order here, so that what is
    /// written does not change by itself.
    /// </summary>
    public static IEnumerable<string> Tags(params IEnumerable<string> texts) =>
        texts.SelectMany(Split).Where(static tag => tag.Length > 0).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Split(string text)
    {
        var tag = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length && text[i + 1] == ',')
            {
                tag.Append(text[++i]);
            }
            else if (text[i] == ',')
            {
                yield return tag.ToString();
                tag.Clear();
            }
            else
            {
                tag.Append(text[i]);
            }
        }

        yield return tag.ToString();
    }

    private void Add(string key, string value, string port)
    {
        string[] parts = key.Split('_', 2);
        if (parts.Length == 2 && parts[0].Length > 0 && parts[0].All(char.IsAsciiDigit))
        {
            if (parts[0] == port)
            {
                _values[parts[1]] = value;
                _ofPort.Add(parts[1]);
            }
        }
        else if (!_ofPort.Contains(key))
        {
            _values[key] = value;
        }
    }
}
