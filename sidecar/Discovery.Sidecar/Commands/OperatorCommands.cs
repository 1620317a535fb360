using System.Globalization;
using System.Text.Json;
using Discovery.Catalog;
using Discovery.Catalog.Programs;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Sidecar.Admin;

namespace Discovery.Sidecar.Commands;

/// <summary>What operators ask on the command line: tables on standard output, one line on standard error when it fails.</summary>
internal static class OperatorCommands
{
    /// <summary><c>discovery services</c>: every instance in the catalog.</summary>
    public static Task<int> ServicesAsync(StoreAddress address, CancellationToken cancellation) => AskStoreAsync(address, async store =>
    {
        KeyRange range = KeyRange.Prefix(CatalogKeys.Instances);
        RangeResponse all = await store.RangeAsync(new RangeRequest { Key = range.Key, RangeEnd = range.End }, cancellation);
        await PrintAsync(
            ["SERVICE", "HOST", "ENDPOINT", "HEALTH", "STATE", "ROUTES", "CONTAINER"],
            all.Kvs
                .Select(static pair => CatalogJson.Read<ServiceInstance>(pair.Value.Span).Record)
                .OfType<ServiceInstance>()
                .OrderBy(static i => i.Service, StringComparer.Ordinal).ThenBy(static i => i.Id, StringComparer.Ordinal)
                .Select(static i => new[]
                {
                    i.Service, i.Host, i.Endpoint, Word(i.Health), Word(i.State), Routes(i.Routes), i.Container?.Name ?? "-",
                }));
    });

    /// <summary><c>discovery members</c>: every member of the store with its role.</summary>
    public static Task<int> MembersAsync(StoreAddress address, CancellationToken cancellation) => AskStoreAsync(address, async store =>
    {
        var rows = new List<string[]>();
        foreach (Member member in (await store.MemberListAsync(cancellation)).Members)
        {
            StatusResponse? status = null;
            try
            {
                status = member.ClientURLs.Count == 0 ? null : await store.StatusAsync(new Uri(member.ClientURLs[0]), cancellation);
            }
            catch (GrpcException)
            {
                // Shown as unreachable: the others are still worth knowing.
            }

            string role = status is null ? "unreachable" : status.Leader == member.ID ? "leader" : member.IsLearner ? "learner" : "follower";
            rows.Add(
            [
                member.ID.ToString("x", CultureInfo.InvariantCulture), member.Name, role,
                status?.RaftTerm.ToString(CultureInfo.InvariantCulture) ?? "-", status?.Version ?? "-",
                string.Join(',', member.ClientURLs), string.Join(',', member.PeerURLs),
            ]);
        }

        await PrintAsync(["ID", "NAME", "ROLE", "TERM", "VERSION", "CLIENTS", "PEERS"], rows);
    });

    /// <summary><c>discovery why</c>: what became of a container of this host, and why.</summary>
    public static async Task<int> WhyAsync(Uri adminUrl, string wanted, CancellationToken cancellation)
    {
        WhyAnswer? answer;
        try
        {
            using var http = new HttpClient { BaseAddress = adminUrl, Timeout = TimeSpan.FromSeconds(5) };
            answer = await http.GetFromJsonAsync("/v1/why", AdminJson.Default.WhyAnswer, cancellation);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or OperationCanceledException)
        {
            return await FailAsync($"the agent at {adminUrl} does not answer: {e.Message}");
        }

        WhyContainer[] found = [.. answer!.Containers.Where(c => c.Name == wanted || c.Id.StartsWith(wanted, StringComparison.Ordinal))];
        if (found.Length == 0)
        {
            return await FailAsync($"host {answer.Host} has no running container {wanted}; it has {string.Join(", ", answer.Containers.Select(static c => c.Name))}");
        }

        foreach (string line in found.SelectMany(Explain).Concat(answer.Unready.Select(static u => $"! {u}")))
        {
            await Console.Out.WriteLineAsync(line);
        }

        return ExitCode.Ok;
    }

    private static IEnumerable<string> Explain(WhyContainer container)
    {
        yield return $"{container.Name}  {container.Image}  {container.Id[..Math.Min(12, container.Id.Length)]}";
        if (container.Refused is not null)
        {
            yield return $"  not registered: {container.Refused}";
        }

        foreach (WhyInstance instance in container.Instances)
        {
            yield return $"  {instance.Service} at {instance.Endpoint}/{instance.Protocol}, {Word(instance.Health)}, id {instance.Id}";
            foreach (WhyRoute route in instance.Routes)
            {
                yield return $"    routed: {Route(instance.Service, route)} by {route.Source}";
            }
        }

        foreach (string check in container.Checks)
        {
            yield return $"  check {check}";
        }

        foreach (WhyMirror copy in container.Mirrored)
        {
            yield return copy.Problem is null
                ? $"  mirrored: {copy.Service} at {copy.Endpoint} in {copy.Where}"
                : $"  not mirrored: {copy.Service} at {copy.Endpoint} in {copy.Where}: {copy.Problem}";
        }

        foreach (RejectedLabel rejected in container.Rejected)
        {
            yield return $"  rejected: {rejected.Label}={rejected.Value}: {rejected.Reason}";
        }

        foreach (string note in container.Notes)
        {
            yield return $"  note: {note}";
        }
    }

    private static async Task<int> AskStoreAsync(StoreAddress address, Func<StoreClient, Task> ask)
    {
        using var store = new StoreClient(address);
        try
        {
            await ask(store);
            return ExitCode.Ok;
        }
        catch (GrpcException e)
        {
            return await FailAsync($"the store at {address} does not answer: {e.Message}");
        }
    }

    private static async Task<int> FailAsync(string problem)
    {
        await Console.Error.WriteLineAsync($"discovery: {problem}");
        return ExitCode.Failed;
    }

    private static async Task PrintAsync(string[] head, IEnumerable<string[]> rows)
    {
        List<string[]> table = [head, .. rows];
        int[] widths = [.. head.Select((_, column) => table.Max(row => row[column].Length))];
        foreach (string[] row in table)
        {
            await Console.Out.WriteLineAsync(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }

    private static string Routes(IEnumerable<InstanceRoute> routes) =>
        string.Join(',', routes.Select(static r => $"{r.Host ?? "*"}{r.Path}")) is { Length: > 0 } text ? text : "-";

    private static string Route(string service, WhyRoute route) => $"{route.Host ?? $"{service}.<domain>"}{route.Path}";

    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
