using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Discovery.Catalog;
using Discovery.Catalog.Programs;
using Discovery.Sidecar.Checks;
using Discovery.Sidecar.Mirrors;
using Discovery.Sidecar.Registration;

namespace Discovery.Sidecar.Admin;

/// <summary><c>/v1/why</c>: for every running container what it got, and why not more.</summary>
/// <param name="Host">The host's name; null before the engine was reached.</param>
/// <param name="Address">Where its published ports answer.</param>
/// <param name="Warning">What is odd about that address.</param>
/// <param name="Unready">What keeps these answers from being complete.</param>
/// <param name="Containers">By name.</param>
internal sealed record WhyAnswer(string? Host, string? Address, string? Warning, string[] Unready, WhyContainer[] Containers)
{
    /// <summary>The answer from what the loop knows.</summary>
    /// <param name="status">What it knows itself.</param>
    /// <param name="mirrors">How each of its mirrors stands.</param>
    public static WhyAnswer From(AgentStatus status, IReadOnlyCollection<(MirrorUri Uri, MirrorStatus Status)> mirrors) => new(
        status.Host?.Name,
        status.Host?.Address,
        status.Host?.Warning,
        [.. status.Unready()],
        [.. status.Containers.Values.OrderBy(static v => v.Name, StringComparer.Ordinal).Select(verdict => WhyContainer.From(verdict, mirrors))]);
}

/// <summary>One container's part of <see cref="WhyAnswer"/>.</summary>
/// <param name="Id">Docker's full id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Image">Its image.</param>
/// <param name="Refused">Why nothing of it is registered; null when something is.</param>
/// <param name="Instances">What is registered.</param>
/// <param name="Rejected">Labels and variables that could not be followed.</param>
/// <param name="Notes">What works and may surprise; how to have it routed.</param>
/// <param name="Checks">What the sidecar asks it, where and by which rule there.</param>
/// <param name="Mirrored">Where copies of it stand.</param>
internal sealed record WhyContainer(
    string Id, string Name, string Image, string? Refused, WhyInstance[] Instances, RejectedLabel[] Rejected, string[] Notes, string[] Checks, WhyMirror[] Mirrored)
{
    /// <summary>The answer from a verdict.</summary>
    public static WhyContainer From(ContainerVerdict verdict, IReadOnlyCollection<(MirrorUri Uri, MirrorStatus Status)> mirrors) => new(
        verdict.Id,
        verdict.Name,
        verdict.Image,
        verdict.Refused,
        [.. verdict.Instances.Select(WhyInstance.From)],
        [.. verdict.Rejected],
        [
            .. verdict.Warnings,
            .. verdict.Instances
                .Where(static i => i.Routes.Count == 0)
                .Select(static i => i.Protocol == "tcp"
                    ? $"{i.Service} is not routed: nothing asks for it; SERVICE_NAME, a discovery.* label or --route-all does"
                    : $"{i.Service} is not routed: only TCP is"),
        ],
        [.. verdict.Checks.Select(check => Tell(check, verdict))],
        [.. CopiesOf(verdict).SelectMany(service => mirrors.Select(mirror => WhyMirror.From(service, mirror.Uri, mirror.Status)))]);

    private static string Tell(CheckSpec check, ContainerVerdict verdict)
    {
        string where = check.Target is { } target ? $" at {target} ({target.Rule})" : "";
        InstanceCheck? said = verdict.Instances.SelectMany(static instance => instance.Checks).FirstOrDefault(one => one.Name == check.Name);
        string word = said is null ? "" : $": {said.Status.ToString().ToLowerInvariant()}{(said.Output.Length > 0 ? $", {said.Output}" : "")}";
        return $"{check.Name}: {check.TypeName}{where}, every {Flags.Format(check.Interval)}{word}";
    }

    private static IEnumerable<MirroredService> CopiesOf(ContainerVerdict verdict) =>
        verdict.Mirrored.Count > 0 ? verdict.Mirrored : MirrorSet.Of(verdict);
}

/// <summary>One copy in a foreign store.</summary>
/// <param name="Service">Its name there.</param>
/// <param name="Endpoint">What it says.</param>
/// <param name="Where">The store and the key.</param>
/// <param name="Problem">Why it does not stand there; null when it does.</param>
internal sealed record WhyMirror(string Service, string Endpoint, string Where, string? Problem)
{
    /// <summary>How a service stands in a mirror.</summary>
    public static WhyMirror From(MirroredService service, MirrorUri uri, MirrorStatus status)
    {
        MirroredEntryStatus? entry = status.Entries.GetValueOrDefault(service.Id);
        return new(
            service.Name,
            $"{(service.Ip.Contains(':', StringComparison.Ordinal) ? $"[{service.Ip}]" : service.Ip)}:{service.Port}",
            $"{uri} {entry?.Key ?? service.Id}",
            entry is { IsWritten: true } ? null : entry?.Problem ?? status.LastProblem ?? "not written yet");
    }
}

/// <summary>One instance's part of <see cref="WhyContainer"/>.</summary>
internal sealed record WhyInstance(string Id, string Service, string Endpoint, string Protocol, Health Health, WhyRoute[] Routes)
{
    /// <summary>The answer from an instance.</summary>
    public static WhyInstance From(ServiceInstance instance) =>
        new(
            instance.Id,
            instance.Service,
            instance.Endpoint,
            instance.Protocol,
            instance.Health,
            [.. instance.Routes.Select(static r => new WhyRoute(r.Host, r.Path, r.Source))]);
}

/// <summary>One route's part of <see cref="WhyInstance"/>, with what asked for it.</summary>
internal sealed record WhyRoute(string? Host, string? Path, string Source);

/// <summary>The admin API's JSON.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, GenerationMode = JsonSourceGenerationMode.Metadata, WriteIndented = true)]
[JsonSerializable(typeof(WhyAnswer))]
internal sealed partial class AdminJson : JsonSerializerContext;

/// <summary><c>/metrics</c> in Prometheus' text form.</summary>
internal static class Metrics
{
    /// <summary>All of them, at this moment.</summary>
    public static string Of(AgentStatus status, long events, DateTimeOffset now)
    {
        var text = new StringBuilder();
        Add("containers", "gauge", "Running containers.", status.Containers.Count);
        Add("containers_refused", "gauge", "Running containers of which nothing is registered.", status.Containers.Values.Count(static v => v.Refused is not null));
        Add("instances", "gauge", "Instances of this host in the store.", status.Published);
        Add("docker_up", "gauge", "1 while the engine answers.", status.EngineProblem is null ? 1 : 0);
        Add("store_up", "gauge", "1 while the store answers.", status.StoreProblem is null ? 1 : 0);
        Add("docker_events_total", "counter", "Hints received from the engine.", events);
        Add("inspections_total", "counter", "Containers looked at.", status.Inspections);
        Add("reconciles_total", "counter", "Full diffs completed.", status.Reconciles);
        Add("store_writes_total", "counter", "Transactions written.", status.Writes);
        if (status.LastReconcile is { } last)
        {
            Add("last_reconcile_age_seconds", "gauge", "Time since the last full diff.", (now - last).TotalSeconds);
        }

        return text.ToString();

        void Add(string name, string type, string help, double value) => text.Append(
            CultureInfo.InvariantCulture,
            $"# HELP discovery_sidecar_{name} {help}\n# TYPE discovery_sidecar_{name} {type}\ndiscovery_sidecar_{name} {value}\n");
    }
}
