using System.Text.Json;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>A JSON object of the inspect object: a part with known fields (Go's struct) or a map whose keys are data, such as labels.</summary>
/// <param name="json">The object.</param>
/// <param name="field">The field that holds it; null where that is not known.</param>
internal sealed class InspectMap(JsonElement json, string? field)
{
    private readonly bool _isData = InspectShape.HoldsData(field);

    /// <summary>How many keys it has.</summary>
    public int Count { get; } = json.GetPropertyCount();

    /// <summary>Keys and values in the order of the keys, as Go walks through maps.</summary>
    public IEnumerable<(string Key, TemplateValue Value)> Entries
    {
        get
        {
            var entries = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal);
            foreach (JsonProperty property in json.EnumerateObject())
            {
                entries[property.Name] = property.Value;
            }

            return entries.Select(entry => (entry.Key, ValueOf(entry.Key, entry.Value)));
        }
    }

    /// <summary><c>index</c>: the key's value; where it is missing the zero of what the map holds. Null: a part that has no such field.</summary>
    public TemplateValue? Index(string key) =>
        json.TryGetProperty(key, out JsonElement found) ? ValueOf(key, found)
        : _isData ? InspectShape.ZeroElement(field)
        : InspectShape.Zero(key);

    /// <summary>
    /// <c>.Name</c>: the key as it is; in parts also in other case, because Go's fields are called <c>ID</c> where JSON
    /// says <c>Id</c>, and the zero of a field that Docker left out. Null: a part that has no such field.
    /// </summary>
    public TemplateValue? Field(string name)
    {
        if (json.TryGetProperty(name, out JsonElement found))
        {
            return ValueOf(name, found);
        }

        if (_isData)
        {
            return TemplateValue.Missing;
        }

        foreach (JsonProperty property in json.EnumerateObject())
        {
            if (property.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return ValueOf(property.Name, property.Value);
            }
        }

        return InspectShape.Zero(name);
    }

    // The keys of data say nothing of their values.
    private TemplateValue ValueOf(string key, JsonElement value) => TemplateValue.Of(value, _isData ? null : key);
}
