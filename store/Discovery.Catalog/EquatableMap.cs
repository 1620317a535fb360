using System.Collections;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Discovery.Catalog;

/// <summary>An immutable map of texts, sorted by name, that equals another by its content.</summary>
[JsonConverter(typeof(EquatableMapConverter))]
public sealed class EquatableMap(ImmutableSortedDictionary<string, string> items) : IReadOnlyCollection<KeyValuePair<string, string>>, IEquatable<EquatableMap>
{
    /// <summary>No entries.</summary>
    public static readonly EquatableMap Empty = new(ImmutableSortedDictionary<string, string>.Empty.WithComparers(StringComparer.Ordinal));

    /// <summary>The map of these pairs; a name given twice keeps its last value.</summary>
    public static EquatableMap From(IEnumerable<KeyValuePair<string, string>> pairs) => new(Empty.Items.SetItems(pairs));

    /// <summary>The entries.</summary>
    public ImmutableSortedDictionary<string, string> Items { get; } = items;

    /// <inheritdoc/>
    public int Count => Items.Count;

    /// <summary>The value of this name; null when absent.</summary>
    public string? this[string name] => Items.GetValueOrDefault(name);

    /// <inheritdoc/>
    public bool Equals(EquatableMap? other) => other is not null && Items.SequenceEqual(other.Items);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as EquatableMap);

    /// <inheritdoc/>
    public override int GetHashCode() => Items.Aggregate(Items.Count, static (hash, item) => HashCode.Combine(hash, item.Key, item.Value));

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => Items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>JSON objects of texts; null reads as empty.</summary>
public sealed class EquatableMapConverter : JsonConverter<EquatableMap>
{
    /// <inheritdoc/>
    public override bool HandleNull => true;

    /// <inheritdoc/>
    public override EquatableMap Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            return EquatableMap.Empty;
        }

        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("an object of texts is expected");
        }

        var pairs = new List<KeyValuePair<string, string>>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            pairs.Add(new(name, reader.TokenType == JsonTokenType.String
                ? reader.GetString()!
                : throw new JsonException($"the value of \"{name}\" must be a text")));
        }

        return EquatableMap.From(pairs);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, EquatableMap value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        foreach ((string name, string text) in value)
        {
            writer.WriteString(name, text);
        }

        writer.WriteEndObject();
    }
}
