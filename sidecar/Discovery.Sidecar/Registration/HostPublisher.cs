using System.Collections.Immutable;
using Discovery.Catalog;
using Discovery.EtcdApi.Grpc;

namespace Discovery.Sidecar.Registration;

/// <summary>Another living host has our name: the only thing that the agent does not wait out.</summary>
internal sealed class HostNameTakenException(string message) : Exception(message);

/// <summary>
/// What the store holds of this host, as far as we know, and the lease that it hangs on. Owned by the loop; only
/// <see cref="KeepAliveAsync"/> runs beside it and touches nothing but the lease.
/// </summary>
internal sealed partial class HostPublisher(
    StoreClient store, string host, SidecarOptions options, TimeProvider time, ILoggerFactory logs)
{
    private readonly ILogger _log = logs.CreateLogger<HostPublisher>();
    private readonly DateTimeOffset _started = time.GetUtcNow();
    private readonly LeaseSession _lease =
        new(store, CatalogKeys.Host(host), options.Ttl, time, logs.CreateLogger<LeaseSession>());

    // Survives re-reading: the store does not tell when a value was written.
    private readonly Dictionary<string, DateTimeOffset> _writtenAt = new(StringComparer.Ordinal);

    private ImmutableDictionary<string, PublishedInstance>? _published;
    private HostRecord? _record;
    private long _recordLease;

    /// <summary>The host's name, for the whole life of the process.</summary>
    public string Host => host;

    /// <summary>Transactions written since the start.</summary>
    public long Writes { get; private set; }

    /// <summary>Instances in the store, as last known.</summary>
    public int Count => _published?.Count ?? 0;

    /// <summary>Whether the store must be read before it can be said what to write.</summary>
    public bool IsUnknown => _published is null;

    /// <summary>What the store holds is in doubt: somebody else may have written, a write may have failed half-way.</summary>
    public void Forget() => _published = null;

    /// <summary>Makes the store hold what the containers deserve, in one write; nothing when it does already.</summary>
    /// <param name="identity">Which host this is.</param>
    /// <param name="verdicts">Every running container.</param>
    /// <param name="engineSince">When the engine was last met.</param>
    /// <param name="isDiff">Whether this ends a full diff: then the host's own record is compared as a whole.</param>
    /// <param name="cancellation">Leaves the outcome unknown.</param>
    /// <exception cref="GrpcException">Nothing, some or all was written; <see cref="IsUnknown"/> then.</exception>
    /// <exception cref="HostNameTakenException">Another host lives under our name.</exception>
    public async Task PublishAsync(
        HostIdentity identity,
        IReadOnlyCollection<ContainerVerdict> verdicts,
        DateTimeOffset engineSince,
        bool isDiff,
        CancellationToken cancellation)
    {
        var registrations = new HostRegistrations(store, host, _lease);
        try
        {
            if (_published is null)
            {
                await ReadAsync(registrations, identity, cancellation);
            }

            long lease = await _lease.EnsureAsync(cancellation);
            DateTimeOffset now = Now();
            var plan = RegistrationPlan.Make(verdicts, _published!, lease, engineSince, now);
            HostRecord? record = RecordToWrite(identity.ToRecord(verdicts, options.Version, _started, now), lease, isDiff);
            if (plan.IsEmpty && record is null)
            {
                return;
            }

            await registrations.WriteAsync(plan.Puts, plan.Deletes, record, cancellation);
            Remember(plan, record, lease, now);
        }
        catch
        {
            Forget();
            throw;
        }
    }

    /// <summary>Renews the lease until cancelled; tells the loop when the store goes, comes back, or has ended the lease.</summary>
    public async Task KeepAliveAsync(LoopInbox inbox, CancellationToken cancellation)
    {
        using var beat = new PeriodicTimer(options.TtlRefresh, time);
        bool isAway = false;
        while (await beat.WaitForNextTickAsync(cancellation))
        {
            try
            {
                bool isLost = _lease.Id != 0 && !await _lease.RenewAsync(cancellation);
                if (isLost || isAway)
                {
                    inbox.Post(new Notice.StoreChanged());
                }

                isAway = false;
            }
            catch (GrpcException e)
            {
                if (!isAway)
                {
                    inbox.Post(new Notice.StoreDown(e.Message));
                }

                isAway = true;
            }
        }
    }

    /// <summary>
    /// The last word: registrations stay for a whole TTL, so that the next life of this process takes them over
    /// untouched, or go at once with <c>--deregister-on-exit</c>.
    /// </summary>
    public async Task LeaveAsync(CancellationToken cancellation)
    {
        try
        {
            if (options.DeregisterOnExit)
            {
                await _lease.RevokeAsync(cancellation);
                LogDeregistered(host);
            }
            else if (await _lease.RenewAsync(cancellation))
            {
                LogLeft(host, options.Ttl.TotalSeconds);
            }
        }
        catch (Exception e) when (e is GrpcException or OperationCanceledException)
        {
            LogLeftSilently(e.Message);
        }
    }

    private async Task ReadAsync(HostRegistrations registrations, HostIdentity identity, CancellationToken cancellation)
    {
        HostState state = await registrations.ReadAsync(cancellation);
        bool isOurs = state.HostLease == 0 || state.HostLease == _lease.Id;
        if (!isOurs && state.Host is { EngineId.Length: > 0 } other && identity.EngineId.Length > 0 && other.EngineId != identity.EngineId)
        {
            throw new HostNameTakenException(
                $"the host name {host} is in use by {other.Address}, whose engine is {other.EngineId} and not {identity.EngineId}; "
                + $"give this host another name with --host, or stop the other and wait {options.Ttl.TotalSeconds:0} s");
        }

        DateTimeOffset now = Now();
        _record = state.Host;
        _recordLease = state.HostLease;
        _published = state.Instances.ToImmutableDictionary(
            static pair => pair.Key,
            pair => new PublishedInstance(pair.Value.Instance, pair.Value.Lease, _writtenAt.GetValueOrDefault(pair.Key, now)),
            StringComparer.Ordinal);
        foreach (string gone in _writtenAt.Keys.Where(key => !_published.ContainsKey(key)).ToList())
        {
            _writtenAt.Remove(gone);
        }
    }

    /// <summary>
    /// The host's record when it is worth a write: between full diffs only for what an operator waits to see, since the
    /// counts change with every container.
    /// </summary>
    private HostRecord? RecordToWrite(HostRecord next, long lease, bool isDiff)
    {
        if (_record is null || _recordLease != lease)
        {
            return next;
        }

        HostRecord compared = isDiff
            ? next
            : next with { Containers = _record.Containers, Instances = _record.Instances };
        return compared with { LastReconcile = null } == _record with { LastReconcile = null } ? null : next;
    }

    private void Remember(RegistrationPlan plan, HostRecord? record, long lease, DateTimeOffset now)
    {
        var published = _published!.ToBuilder();
        published.RemoveRange(plan.Deletes);
        foreach (ServiceInstance instance in plan.Puts)
        {
            string key = CatalogKeys.Instance(host, instance.Service, instance.Id);
            published[key] = new(instance, lease, now);
            _writtenAt[key] = now;
        }

        _published = published.ToImmutable();
        if (record is not null)
        {
            (_record, _recordLease) = (record, lease);
        }

        Writes++;
        foreach (ServiceInstance instance in plan.Puts)
        {
            LogRegistered(instance.Service, instance.Endpoint, instance.Health, instance.Id);
        }

        foreach (string key in plan.Deletes)
        {
            LogRemoved(key);
        }
    }

    // Milliseconds are enough to order registrations and are read more easily.
    private DateTimeOffset Now()
    {
        DateTimeOffset now = time.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMillisecond));
    }

    [LoggerMessage(2021, LogLevel.Information, "Registered {Service} at {Endpoint}, {Health} ({Id})")]
    private partial void LogRegistered(string service, string endpoint, Health health, string id);

    [LoggerMessage(2022, LogLevel.Information, "Removed {Key}")]
    private partial void LogRemoved(string key);

    [LoggerMessage(2023, LogLevel.Information, "Leaving; what {Host} has registered stays for {Ttl} s")]
    private partial void LogLeft(string host, double ttl);

    [LoggerMessage(2024, LogLevel.Information, "Leaving; what {Host} had registered is removed")]
    private partial void LogDeregistered(string host);

    [LoggerMessage(2025, LogLevel.Warning, "Leaving without a last word to the store: {Problem}")]
    private partial void LogLeftSilently(string problem);
}
