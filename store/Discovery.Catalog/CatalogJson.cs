using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Discovery.Catalog;

/// <summary>The records' JSON: camelCase names, nulls left out, readable with etcdctl.</summary>
/// <remarks>
/// By reflection: the source generator loses the defaults of init-only properties (a record without a weight would
/// weigh 0). Trimmed programs keep this assembly whole (Directory.Build.props).
/// </remarks>
public static class CatalogJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        // Escapes only what JSON must, so that labels stay readable.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    /// <summary>A record as its value in the store.</summary>
    public static byte[] Write<T>(T record) => JsonSerializer.SerializeToUtf8Bytes(record, Options);

    /// <summary>A value from the store as a record; null and the reason when it is not one.</summary>
    public static (T? Record, string? Problem) Read<T>(ReadOnlySpan<byte> value)
        where T : class
    {
        try
        {
            T? record = JsonSerializer.Deserialize<T>(value, Options);
            return record is null ? (null, "the value is null") : (record, null);
        }
        catch (JsonException e)
        {
            return (null, e.Message);
        }
    }
}
