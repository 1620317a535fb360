using System.Collections;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Discovery.Catalog;

/// <summary>An immutable list that equals another by its content, so that records that hold one compare by value.</summary>
[CollectionBuilder(typeof(EquatableArray), nameof(EquatableArray.Create))]
[JsonConverter(typeof(EquatableArrayConverter))]
public readonly struct EquatableArray<T>(ImmutableArray<T> items) : IReadOnlyList<T>, IEquatable<EquatableArray<T>>
{
    private readonly ImmutableArray<T> _items = items;

    /// <inheritdoc/>
    public int Count => _items.IsDefault ? 0 : _items.Length;

    /// <inheritdoc/>
    public T this[int index] => _items[index];

    /// <inheritdoc/>
    public bool Equals(EquatableArray<T> other) =>
        AsSpan().SequenceEqual(other.AsSpan(), EqualityComparer<T>.Default);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is EquatableArray<T> other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (T item in AsSpan())
        {
            hash.Add(item);
        }

        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)(_items.IsDefault ? [] : _items)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The items, for loops without allocation.</summary>
    public ReadOnlySpan<T> AsSpan() => _items.IsDefault ? [] : _items.AsSpan();

    /// <summary>Equal content in equal order.</summary>
    public static bool operator ==(EquatableArray<T> left, EquatableArray<T> right) => left.Equals(right);

    /// <summary>Other content or order.</summary>
    public static bool operator !=(EquatableArray<T> left, EquatableArray<T> right) => !left.Equals(right);
}

/// <summary>Makes <see cref="EquatableArray{T}"/>.</summary>
public static class EquatableArray
{
    /// <summary>For collection expressions.</summary>
    public static EquatableArray<T> Create<T>(ReadOnlySpan<T> items) => new([.. items]);

    /// <summary>The sequence as an immutable list.</summary>
    public static EquatableArray<T> ToEquatableArray<T>(this IEnumerable<T> items) => new([.. items]);
}

/// <summary>JSON arrays for <see cref="EquatableArray{T}"/>; null reads as empty.</summary>
public sealed class EquatableArrayConverter : JsonConverterFactory
{
    /// <inheritdoc/>
    public override bool CanConvert(Type typeToConvert) =>
        typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(EquatableArray<>);

    /// <inheritdoc/>
    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) => typeToConvert switch
    {
        _ when typeToConvert == typeof(EquatableArray<string>) => new Converter<string>(),
        _ when typeToConvert == typeof(EquatableArray<InstanceCheck>) => new Converter<InstanceCheck>(),
        _ when typeToConvert == typeof(EquatableArray<InstanceRoute>) => new Converter<InstanceRoute>(),
        _ when typeToConvert == typeof(EquatableArray<RejectedLabel>) => new Converter<RejectedLabel>(),
        _ when typeToConvert == typeof(EquatableArray<RefusedContainer>) => new Converter<RefusedContainer>(),
        _ => throw new NotSupportedException($"EquatableArrayConverter does not know {typeToConvert}; add it there and to CatalogJson"),
    };

    private sealed class Converter<T> : JsonConverter<EquatableArray<T>>
    {
        public override bool HandleNull => true;

        public override EquatableArray<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Null
                ? []
                : new([.. (T[])JsonSerializer.Deserialize(ref reader, options.GetTypeInfo(typeof(T[])))!]);

        public override void Write(Utf8JsonWriter writer, EquatableArray<T> value, JsonSerializerOptions options)
        {
            var item = options.GetTypeInfo(typeof(T));
            writer.WriteStartArray();
            foreach (T one in value)
            {
                JsonSerializer.Serialize(writer, one, item);
            }

            writer.WriteEndArray();
        }
    }
}

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
