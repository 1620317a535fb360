using System.Text.Json;
using System.Text.Json.Nodes;
using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar.Tests;

/// <summary>A container as Docker tells of it, with what a test wants different from the usual.</summary>
internal sealed record TestContainer
{
    public string Id { get; init; } = "c1";

    public string Name { get; init; } = "web-1";

    public string Image { get; init; } = "shop/web:7";

    public string Status { get; init; } = "running";

    public string NetworkMode { get; init; } = "default";

    public string? Health { get; init; }

    public string HealthOutput { get; init; } = "";

    public string StartedAt { get; init; } = "2026-11-20T12:00:00.123456789Z";

    /// <summary>Such as <c>SERVICE_NAME=web; SERVICE_TAGS=a,b</c>.</summary>
    public string Env { get; init; } = "";

    /// <summary>Such as <c>discovery.host=a.example.com; discovery.path=/api</c>.</summary>
    public string Labels { get; init; } = "";

    /// <summary>Such as <c>80/tcp=0.0.0.0:32768,[::]:32768 443/tcp</c>; without <c>=</c> exposed only.</summary>
    public string Ports { get; init; } = "80/tcp=0.0.0.0:32768";

    /// <summary>Such as <c>shop=172.20.0.2 back=fd00::2</c>; empty for what its network mode gives.</summary>
    public string Networks { get; init; } = "";

#pragma warning disable CA1507 // The names are Docker's, whatever the properties here are called.
    public JsonObject ToJson() => new()
    {
        ["Id"] = Id,
        ["Name"] = $"/{Name}",
        ["State"] = new JsonObject
        {
            ["Status"] = Status,
            ["Running"] = Status is "running" or "paused",
            ["StartedAt"] = StartedAt,
            ["Health"] = Health is null ? null : new JsonObject
            {
                ["Status"] = Health,
                ["Log"] = new JsonArray(new JsonObject { ["Output"] = "older" }, new JsonObject { ["Output"] = HealthOutput }),
            },
        },
        ["Config"] = new JsonObject
        {
            ["Image"] = Image,
            ["Env"] = new JsonArray([.. Pairs(Env).Select(static p => JsonValue.Create($"{p.Key}={p.Value}"))]),
            ["Labels"] = new JsonObject(Pairs(Labels).Select(static p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value))),
            ["ExposedPorts"] = new JsonObject(PortWords().Select(static w => KeyValuePair.Create(w[0], (JsonNode?)new JsonObject()))),
        },
        ["HostConfig"] = new JsonObject { ["NetworkMode"] = NetworkMode },
        ["NetworkSettings"] = new JsonObject
        {
            ["Ports"] = NetworkMode == "host" ? new JsonObject() : new JsonObject(PortWords().Select(static w =>
                KeyValuePair.Create(w[0], (JsonNode?)(w.Length == 1 ? null : new JsonArray([.. w[1].Split(',').Select(Binding)]))))),
            ["Networks"] = new JsonObject(NetworkWords().Select(static w => KeyValuePair.Create(w[0], (JsonNode?)Endpoint(w[1])))),
        },
    };

#pragma warning restore CA1507

    public Container ToContainer() => ToJson().Deserialize(DockerJson.Default.Container)!;

    private IEnumerable<string[]> PortWords() => Ports.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static w => w.Split('='));

    private IEnumerable<string[]> NetworkWords() => (Networks.Length > 0 ? Networks : NetworkMode is "default" or "bridge" ? "bridge=172.17.0.2" : "")
        .Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static w => w.Split('='));

    private static JsonObject Endpoint(string address) => new()
    {
        ["IPAddress"] = address.Contains(':', StringComparison.Ordinal) ? "" : address,
        ["GlobalIPv6Address"] = address.Contains(':', StringComparison.Ordinal) ? address : "",
    };

    private static JsonObject Binding(string text)
    {
        int colon = text.LastIndexOf(':');
        return new() { ["HostIp"] = text[..colon].Trim('[', ']'), ["HostPort"] = text[(colon + 1)..] };
    }

    private static IEnumerable<KeyValuePair<string, string>> Pairs(string text) => text
        .Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Select(static p => p.Split('=', 2))
        .Select(static p => KeyValuePair.Create(p[0], p[1]));
}
