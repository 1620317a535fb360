using System.Collections.Immutable;
using System.Text;
using Discovery.EtcdApi;
using Discovery.Store.Consensus;
using Microsoft.AspNetCore.Http;

namespace Discovery.Store.Api;

/// <summary>etcd's health pages: <c>/health</c> for people, <c>/livez</c> and <c>/readyz</c> for probes.</summary>
internal sealed class HealthPages(RaftHost raft, TimeProvider time)
{
    private const string PlainText = "text/plain; charset=utf-8";

    /// <summary>How long a linearizable read may take before a member counts as not ready.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private static readonly ImmutableArray<string> LiveChecks = ["serializable_read"];
    private static readonly ImmutableArray<string> ReadyChecks = ["data_corruption", "serializable_read", "linearizable_read"];

    /// <summary>Whether <see cref="CheckAsync"/> knows the path: a probe, or one check of it.</summary>
    public static bool Serves(string path) => ChecksOf(path).Length > 0;

    /// <summary><c>GET /health</c>: no alarm, and a read; linearizable unless <c>?serializable=true</c>.</summary>
    public async Task HealthAsync(HttpContext context)
    {
        bool serializable = context.Request.Query["serializable"] == "true";
        string? reason = raft.IsDiskFull ? "ALARM NOSPACE" : serializable ? null : await LinearizableReadAsync(context.RequestAborted);
        await HttpFace.WriteAsync(
            context,
            reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable,
            "application/json",
            reason is null ? """{"health":"true","reason":""}""" : $$"""{"health":"false","reason":"{{reason}}"}""");
    }

    /// <summary><c>GET /livez</c>, <c>/readyz</c>, or one check such as <c>/readyz/linearizable_read</c>.</summary>
    public async Task CheckAsync(HttpContext context)
    {
        string path = context.Request.Path.Value!;
        var output = new StringBuilder();
        bool well = true;
        foreach (string check in ChecksOf(path))
        {
            string? reason = check == "linearizable_read" ? await LinearizableReadAsync(context.RequestAborted) : null;
            well &= reason is null;
            _ = reason is null ? output.Append("[+]").Append(check).Append(" ok\n")
                : output.Append("[-]").Append(check).Append(" failed: ").Append(reason).Append('\n');
        }

        if (!well)
        {
            await HttpFace.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, PlainText, $"{output}{path} check failed\n");
            return;
        }

        await HttpFace.WriteAsync(
            context,
            StatusCodes.Status200OK,
            PlainText,
            context.Request.Query.ContainsKey("verbose") ? $"{output}{path} check passed\n" : "ok\n");
    }

    private static ImmutableArray<string> ChecksOf(string path)
    {
        ImmutableArray<string> all = path.StartsWith("/livez", StringComparison.Ordinal) ? LiveChecks
            : path.StartsWith("/readyz", StringComparison.Ordinal) ? ReadyChecks
            : [];
        return path is "/livez" or "/readyz" ? all : [.. all.Where(check => path is ['/', ..] && path[(path.IndexOf('/', 1) + 1)..] == check)];
    }

    /// <summary>Why a linearizable read is not possible; null when it is.</summary>
    private async Task<string?> LinearizableReadAsync(CancellationToken cancellation)
    {
        if (raft.Status.Leader == 0)
        {
            return "RAFT NO LEADER";
        }

        using var deadline = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            return await raft.ReadBarrierAsync(either.Token) is { } error ? $"QGET ERROR:{error.Text}" : null;
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return $"QGET ERROR:{EtcdError.Timeout.Text}";
        }
    }
}
