using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Discovery.Catalog;

/// <summary>The records' JSON: camelCase names, nulls left out, readable with etcdctl.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(ServiceInstance))]
[JsonSerializable(typeof(HostRecord))]
[JsonSerializable(typeof(ProxyRecord))]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(InstanceCheck[]))]
[JsonSerializable(typeof(InstanceRoute[]))]
[JsonSerializable(typeof(RejectedLabel[]))]
[JsonSerializable(typeof(RefusedContainer[]))]
public sealed partial class CatalogJson : JsonSerializerContext
{
    /// <summary>The one configuration in use. Escapes only what JSON must, so that labels stay readable.</summary>
    public static CatalogJson Records { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>A record as its value in the store.</summary>
    public static byte[] Write<T>(T record) => JsonSerializer.SerializeToUtf8Bytes(record, TypeInfo<T>());

    /// <summary>A value from the store as a record; null and the reason when it is not one.</summary>
    public static (T? Record, string? Problem) Read<T>(ReadOnlySpan<byte> value)
        where T : class
    {
        try
        {
            T? record = JsonSerializer.Deserialize(value, TypeInfo<T>());
            return record is null ? (null, "the value is null") : (record, null);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            return (null, e.Message);
        }
    }

    private static JsonTypeInfo<T> TypeInfo<T>() => (JsonTypeInfo<T>)Records.GetTypeInfo(typeof(T))!;
}
