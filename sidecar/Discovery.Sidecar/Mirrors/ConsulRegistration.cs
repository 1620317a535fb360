using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Discovery.Catalog;

namespace Discovery.Sidecar.Mirrors;

/// <summary>
/// What registrator sends to <c>/v1/agent/service/register</c>: the fields of Consul's Go client in its order, empty ones left out
/// except <c>Check</c> and <c>Checks</c>, which that client always sends. Pure.
/// </summary>
internal sealed record ConsulRegistration
{
    private static readonly JsonSerializerOptions Json = new(MirrorLayout.GoJson)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    };

    /// <summary>The service's id.</summary>
    public required string ID { get; init; }

    /// <summary>The service's name.</summary>
    public required string Name { get; init; }

    /// <summary>Null when there are none.</summary>
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>Left out when 0.</summary>
    public int Port { get; init; }

    /// <summary>Where it answers.</summary>
    public string? Address { get; init; }

    /// <summary>Whether others may change the tags in Consul: <c>SERVICE_ENABLE_TAG_OVERRIDE=true</c>.</summary>
    public bool EnableTagOverride { get; init; }

    /// <summary>All attributes; null when there are none.</summary>
    public IReadOnlyDictionary<string, string>? Meta { get; init; }

    /// <summary>The one check; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ConsulCheck? Check { get; init; }

    /// <summary>Always null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public IReadOnlyList<ConsulCheck>? Checks { get; init; }

    /// <summary>registrator's form of the service.</summary>
    public static ConsulRegistration Of(MirroredService service) => new()
    {
        ID = service.Id,
        Name = service.Name,
        Tags = service.Tags.Count == 0 ? null : [.. service.Tags],
        Port = service.Port,
        Address = service.Ip,
        EnableTagOverride = service.Attrs["enable_tag_override"] == "true",
        Meta = service.Attrs.Count == 0 ? null : service.Attrs.Items,
        Check = ConsulCheck.Of(service),
    };

    /// <summary>The body.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>
    /// What of it can be read back from the agent, in one form: tags are a set, and nobody's business when others may change them; of
    /// the check only that there is one, since its definition follows from the attributes.
    /// </summary>
    public string Mark() => JsonSerializer.Serialize(
        this with
        {
            Tags = Tags is null || EnableTagOverride ? null : [.. Tags.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
            Meta = Meta is not { Count: > 0 } ? null : EquatableMap.From(Meta).Items,
            Check = Check is null ? null : new(),
        },
        Json);
}

/// <summary>One check of Consul, from registrator's <c>SERVICE_CHECK_*</c>; the first kind that is given wins. Pure.</summary>
internal sealed record ConsulCheck
{
    private const string DefaultInterval = "10s";

    // As docker shows them.
    private const int ShortContainerId = 12;

    /// <summary>The command and its arguments.</summary>
    [JsonPropertyName("ScriptArgs")]
    public IReadOnlyList<string>? Args { get; init; }

    /// <summary>Time between checks.</summary>
    public string? Interval { get; init; }

    /// <summary>How long one check may take.</summary>
    public string? Timeout { get; init; }

    /// <summary>How long a status that the service itself reports is believed.</summary>
    public string? TTL { get; init; }

    /// <summary>The URL to ask.</summary>
    public string? HTTP { get; init; }

    /// <summary>The HTTP method.</summary>
    public string? Method { get; init; }

    /// <summary>The address to connect to.</summary>
    public string? TCP { get; init; }

    /// <summary>The status before the first check.</summary>
    public string? Status { get; init; }

    /// <summary>Whether any certificate will do.</summary>
    public bool TLSSkipVerify { get; init; }

    /// <summary>The address of a gRPC health service.</summary>
    public string? GRPC { get; init; }

    /// <summary>Whether to use TLS there.</summary>
    public bool GRPCUseTLS { get; init; }

    /// <summary>After which time in critical state Consul removes the service.</summary>
    public string? DeregisterCriticalServiceAfter { get; init; }

    /// <summary>The service's check; null when it asks for none.</summary>
    public static ConsulCheck? Of(MirroredService service)
    {
        string? Attr(string name) => service.Attrs[name] is { Length: > 0 } value ? value : null;

        string endpoint = MirrorLayout.Endpoint(service);
        ConsulCheck? check = null;
        if (Attr("check_http") is { } http)
        {
            check = new() { HTTP = $"http://{endpoint}{http}", Method = Attr("check_http_method") };
        }
        else if (Attr("check_https") is { } https)
        {
            check = new() { HTTP = $"https://{endpoint}{https}", Method = Attr("check_https_method") };
        }
        else if (Attr("check_cmd") is { } command)
        {
            string container = service.ContainerId.Length > ShortContainerId ? service.ContainerId[..ShortContainerId] : service.ContainerId;
            check = new() { Args = ["check-cmd", container, service.ContainerPort.ToString(CultureInfo.InvariantCulture), command] };
        }
        else if (Attr("check_script") is { } script)
        {
            check = new() { Args = Interpolate(script, service).Split(' ') };
        }
        else if (Attr("check_ttl") is { } ttl)
        {
            check = new() { TTL = ttl };
        }
        else if (Attr("check_tcp") is not null)
        {
            check = new() { TCP = endpoint };
        }
        else if (Attr("check_grpc") is not null)
        {
            check = new() { GRPC = endpoint, GRPCUseTLS = Attr("check_grpc_use_tls") is not null };
        }

        return check is null ? null : check with
        {
            Interval = check.TTL is null ? Attr("check_interval") ?? DefaultInterval : null,
            Timeout = check.TTL is null ? Attr("check_timeout") : null,
            TLSSkipVerify = check.TTL is null && Attr("check_tls_skip_verify") is not null,
            Status = Attr("check_initial_status"),
            DeregisterCriticalServiceAfter = Attr("check_deregister_after"),
        };
    }

    private static string Interpolate(string script, MirroredService service) => script
        .Replace("$SERVICE_IP", service.Ip, StringComparison.Ordinal)
        .Replace("$SERVICE_PORT", service.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
