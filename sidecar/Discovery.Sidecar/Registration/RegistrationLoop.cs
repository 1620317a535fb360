using System.Collections.Immutable;
using Discovery.Catalog;
using Discovery.EtcdApi.Grpc;
using Discovery.Sidecar.Checks;
using Discovery.Sidecar.Docker;
using Discovery.Sidecar.DropIn;
using Discovery.Sidecar.Mirrors;

namespace Discovery.Sidecar.Registration;

/// <summary>
/// THE loop: whatever happened, look at the container as it is now, and make the store hold what it deserves. All
/// state is its own; others post to the inbox or read <see cref="Status"/>. Hints, the resync interval, the return of
/// engine or store and a lost lease all end in the same look and the same comparison, so every path heals every fault.
/// </summary>
internal sealed partial class RegistrationLoop : IAsyncDisposable
{
    private readonly DockerClient _docker;
    private readonly StoreClient? _store;
    private readonly SidecarOptions _options;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _logs;
    private readonly ILogger _log;
    private readonly LoopInbox _inbox = new();
    private readonly Inspections _inspections;
    private readonly CheckProbes _probes;
    private readonly CheckBoard _board = new();
    private readonly ITimer _lookAgain;
    private readonly ITimer _writeAgain;

    private AgentStatus _status;
    private readonly DropInRules? _dropIn;
    private ContainerRules? _rules;
    private string? _host;
    private HostPublisher? _publisher;
    private MirrorSet? _mirrors;
    private Task _keepAlive = Task.CompletedTask;
    private CancellationToken _stopping;

    // A full diff: listing first, then these are still to be looked at. Null when none is under way.
    private HashSet<string>? _unseen;
    private bool _isListing;
    private bool _lookAgainAfter;

    private DateTimeOffset _engineSince;
    private bool _isDirty;
    private bool _isMirrorDirty;
    private bool _isDiffed;
    private bool _waitsForStore;
    private TimeSpan _storeRetry = Limits.RetryMin;

    /// <summary>A loop that has not begun.</summary>
    /// <param name="docker">The engine.</param>
    /// <param name="store">Where the catalog is; null in drop-in mode, where there is none.</param>
    /// <param name="options">The settings.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logs">The log.</param>
    public RegistrationLoop(DockerClient docker, StoreClient? store, SidecarOptions options, TimeProvider time, ILoggerFactory logs)
    {
        (_docker, _store, _options, _time, _logs) = (docker, store, options, time, logs);
        _log = logs.CreateLogger<RegistrationLoop>();
        _inspections = new(id => _ = InspectAsync(id));
        _probes = new(docker);
        Checks = new(_probes, _inbox.Change, time, Random.Shared, logs.CreateLogger<CheckRunner>());
        _dropIn = options.DropIn is { } dropIn ? new(dropIn, options.Ip?.ToString() ?? "") : null;
        _status = store is null ? new AgentStatus { StoreProblem = null } : new AgentStatus();
        Follower = new(docker, _inbox, time, logs.CreateLogger<EngineFollower>());
        _lookAgain = time.CreateTimer(_ => _inbox.Post(new Notice.LookAtAll()), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _writeAgain = time.CreateTimer(_ => _inbox.Post(new Notice.StoreChanged()), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The foreign copies, and how each stands; none before the host is known.</summary>
    public IReadOnlyCollection<(MirrorUri Uri, MirrorStatus Status)> Mirrors => [.. Volatile.Read(ref _mirrors)?.Statuses ?? []];

    /// <summary>The checks that containers ask for.</summary>
    public CheckRunner Checks { get; }

    /// <summary>What is known now.</summary>
    public AgentStatus Status => Volatile.Read(ref _status);

    /// <summary>The source of hints; runs with the loop.</summary>
    public EngineFollower Follower { get; }

    /// <summary>Runs until cancelled, then says the last word to the store.</summary>
    /// <exception cref="HostNameTakenException">Another host lives under our name.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _stopping = stop.Token;
        Task following = Follower.RunAsync(_stopping);
        Task checking = Checks.RunAsync(_stopping);
        await using ITimer resync = _time.CreateTimer(_ => _inbox.Post(new Notice.LookAtAll()), null, _options.Resync, _options.Resync);
        try
        {
            while (await _inbox.Reader.WaitToReadAsync(_stopping))
            {
                // Everything that waits is taken before one write: a storm of starts becomes few transactions.
                while (_inbox.Reader.TryRead(out Notice? notice))
                {
                    Take(notice);
                }

                foreach (CheckChange change in _inbox.TakeChanges().Where(_board.Apply))
                {
                    _inspections.Want(change.ContainerId);
                }

                if (_inbox.TakeOverflow())
                {
                    LookAtAll();
                }

                Mirror();
                await PublishAsync();
                Volatile.Write(ref _status, _status with { Published = _publisher?.Count ?? 0, Writes = _publisher?.Writes ?? 0 });
                if (following.IsFaulted || checking.IsFaulted || _keepAlive.IsFaulted)
                {
                    await Task.WhenAll(following, checking, _keepAlive);
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Stopped as asked.
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(following, checking, _keepAlive).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (_mirrors is not null)
        {
            await _mirrors.DisposeAsync();
        }

        if (_publisher is not null)
        {
            using var farewell = new CancellationTokenSource(Limits.Farewell, _time);
            await _publisher.LeaveAsync(farewell.Token);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _lookAgain.DisposeAsync();
        await _writeAgain.DisposeAsync();
        Checks.Dispose();
        _probes.Dispose();
    }

    private void Take(Notice notice)
    {
        switch (notice)
        {
            case Notice.LookAt when _rules is null || _inspections.Waiting >= Limits.Inbox:
                // Nothing can be judged yet, or too much waits: the full look that begins after this hint covers it.
                LookAtAll();
                break;
            case Notice.LookAt hint:
                _inspections.Want(hint.Id);
                break;
            case Notice.LookAtAll:
                LookAtAll();
                break;
            case Notice.EngineUp:
                _status = _status with { EngineProblem = null };
                _engineSince = _time.GetUtcNow();
                LookAtAll();
                break;
            case Notice.EngineDown down:
                _status = _status with { EngineProblem = down.Problem };
                _unseen = null;
                break;
            case Notice.Listed listed:
                OnListed(listed);
                break;
            case Notice.Inspected inspected:
                OnInspected(inspected);
                break;
            case Notice.StoreChanged:
                _waitsForStore = false;
                _publisher?.Forget();
                break;
            case Notice.StoreDown down:
                SetStoreProblem(down.Problem);
                break;
        }
    }

    /// <summary>Begins a full diff: list, inspect all that is listed or known, compare with the store as it is then.</summary>
    private void LookAtAll()
    {
        if (_status.EngineProblem is not null)
        {
            return;
        }

        if (_isListing || _unseen is not null)
        {
            _lookAgainAfter = true;
            return;
        }

        _isListing = true;
        _lookAgainAfter = false;
        _ = ListAsync();
    }

    private async Task ListAsync()
    {
        try
        {
            EngineInfo engine = await _docker.InfoAsync(_stopping);
            HostNetwork network = await HostNetwork.ReadAsync(_docker, _stopping);
            _inbox.Post(new Notice.Listed(HostIdentity.From(_options, engine, network), await _docker.ListAsync(_stopping), null));
        }
        catch (DockerUnavailableException e)
        {
            _inbox.Post(new Notice.Listed(null, [], e.Message));
        }
        catch (OperationCanceledException)
        {
            // The loop has ended; nobody listens.
        }
    }

    private async Task InspectAsync(string id)
    {
        try
        {
            _inbox.Post(new Notice.Inspected(id, await _docker.InspectAsync(id, _stopping), null));
        }
        catch (DockerUnavailableException e)
        {
            _inbox.Post(new Notice.Inspected(id, null, e.Message));
        }
        catch (OperationCanceledException)
        {
            // The loop has ended; nobody listens.
        }
    }

    private void OnListed(Notice.Listed listed)
    {
        _isListing = false;
        if (listed.Host is null)
        {
            LookAgainSoon(listed.Problem!);
            return;
        }

        if (_host is null)
        {
            _host = listed.Host.Name;
            if (_store is not null)
            {
                _publisher = new(_store, _host, _options, _time, _logs);
                _keepAlive = _publisher.KeepAliveAsync(_inbox, _stopping);
            }

            StartMirrors(_host);
        }

        // Ids and keys carry the name; a host that is renamed keeps its old one until the next start.
        HostIdentity host = listed.Host with { Name = _host };
        if (host != _status.Host)
        {
            LogHost(host.Name, host.Address, host.EngineVersion);
            if (host.Warning is not null && host.Warning != _status.Host?.Warning)
            {
                LogAddress(host.Warning);
            }

            _status = _status with { Host = host };
            _isDirty = true;
        }

        _rules = new(host.Name, new CheckPolicy(host.Address, _options.EnableExecChecks, host.IsBridged), _options.RouteAll, _board);

        // The list only says where to look: who is known and not listed is looked at too, and is gone when that says so.
        _unseen = new(listed.Ids.Concat(_status.Containers.Keys), StringComparer.Ordinal);
        foreach (string id in _unseen)
        {
            _inspections.Want(id);
        }

        EndDiffWhenAllSeen();
    }

    private void OnInspected(Notice.Inspected inspected)
    {
        bool isNewest = _inspections.Done(inspected.Id);
        if (inspected.Problem is not null)
        {
            // Not known is not gone: the container keeps what it has until somebody can be asked.
            LookAgainSoon(inspected.Problem);
            return;
        }

        if (inspected.Container is { } seen)
        {
            _board.Set(seen.Id, seen.State?.StartedAt);
        }

        ContainerVerdict? verdict = _dropIn is not null ? _dropIn.Judge(inspected.Id, inspected.Container, _status.Host!)
            : inspected.Container is null ? null
            : _rules!.Judge(inspected.Container);
        Check(inspected.Id, verdict);
        ContainerVerdict? before = _status.Containers.GetValueOrDefault(inspected.Id);
        _status = _status with { Inspections = _status.Inspections + 1 };
        if (verdict != before)
        {
            _isDirty = _isMirrorDirty = true;
            _status = _status with
            {
                Containers = verdict is null ? _status.Containers.Remove(inspected.Id) : _status.Containers.SetItem(inspected.Id, verdict),
            };
            if (verdict?.Refused is { } reason && reason != before?.Refused)
            {
                LogRefused(verdict.Name, reason);
            }
        }

        if (isNewest && _unseen is not null)
        {
            _unseen.Remove(inspected.Id);
            EndDiffWhenAllSeen();
        }
    }

    /// <summary>Has the container's checks made; a container that is gone has none.</summary>
    private void Check(string id, ContainerVerdict? verdict)
    {
        if (verdict is null)
        {
            Checks.Remove(id);
            _board.Remove(id);
        }
        else
        {
            Checks.Set(id, verdict.StartedAt, verdict.Checks);
        }
    }

    private void EndDiffWhenAllSeen()
    {
        if (_unseen is not { Count: 0 })
        {
            return;
        }

        _unseen = null;
        _isDirty = _isMirrorDirty = true;
        _isDiffed = true;
        _publisher?.Forget();
        _status = _status with { IsComplete = true, LastReconcile = _time.GetUtcNow(), Reconciles = _status.Reconciles + 1 };
        if (_lookAgainAfter)
        {
            LookAtAll();
        }
    }

    private void LookAgainSoon(string problem)
    {
        _unseen = null;
        LogUnanswered(problem);
        _lookAgain.Change(Limits.RetryMax, Timeout.InfiniteTimeSpan);
    }

    private void StartMirrors(string host)
    {
        if (_options.Mirrors.Count > 0)
        {
            var options = new MirrorOptions
            {
                Host = host,
                Ttl = _options.Ttl,
                TtlRefresh = _options.TtlRefresh,
                Resync = _options.Resync,
                RemoveOnExit = _options.DeregisterOnExit,
            };
            var mirrors = new MirrorSet(_options.Mirrors, options, _time, _logs);
            mirrors.Start();
            Volatile.Write(ref _mirrors, mirrors);
        }
    }

    /// <summary>Tells the mirrors what is wanted. They write by themselves, so that none of them holds the store up.</summary>
    private void Mirror()
    {
        if (_isMirrorDirty && _status.IsComplete && _mirrors is not null)
        {
            _isMirrorDirty = false;
            _mirrors.Want([.. _status.Containers.Values.SelectMany(verdict => _dropIn is null ? MirrorSet.Of(verdict) : verdict.Mirrored)]);
        }
    }

    /// <summary>One write of all that is wanted; not before everything was seen once, or what is not yet seen would be deleted.</summary>
    private async Task PublishAsync()
    {
        if (_publisher is null || !_status.IsComplete || _waitsForStore || !(_isDirty || _publisher.IsUnknown))
        {
            return;
        }

        try
        {
            await _publisher.PublishAsync(
                _status.Host!, [.. _status.Containers.Values], _engineSince, _isDiffed, _stopping);
            _isDirty = _isDiffed = false;
            _storeRetry = Limits.RetryMin;
            SetStoreProblem(null);
        }
        catch (GrpcException e)
        {
            SetStoreProblem(e.Message);
            _waitsForStore = true;
            _writeAgain.Change(_storeRetry, Timeout.InfiniteTimeSpan);
            _storeRetry = _storeRetry * 2 < Limits.RetryMax ? _storeRetry * 2 : Limits.RetryMax;
        }
    }

    private void SetStoreProblem(string? problem)
    {
        bool wasUp = _status.StoreProblem is null;
        _status = _status with { StoreProblem = problem };
        if (problem is null && !wasUp)
        {
            LogStoreUp(_store!.Address, _publisher!.Count);
        }
        else if (problem is not null && (wasUp || _status.Writes == 0 && _storeRetry == Limits.RetryMin))
        {
            LogStoreAway(_store!.Address, problem);
        }
    }

    [LoggerMessage(2011, LogLevel.Information, "This host is {Host} at {Address}, Docker {Version}")]
    private partial void LogHost(string host, string address, string version);

    [LoggerMessage(2012, LogLevel.Warning, "Host address: {Warning}")]
    private partial void LogAddress(string warning);

    [LoggerMessage(2013, LogLevel.Information, "Not registered: {Container}: {Reason}")]
    private partial void LogRefused(string container, string reason);

    [LoggerMessage(2014, LogLevel.Debug, "A question to the engine was not answered; everything is looked at again soon: {Problem}")]
    private partial void LogUnanswered(string problem);

    [LoggerMessage(2015, LogLevel.Information, "The store at {Store} answers; {Count} instances of this host are in it")]
    private partial void LogStoreUp(StoreAddress store, int count);

    [LoggerMessage(2016, LogLevel.Warning, "The store at {Store} is away: {Problem}. Trying on; nothing is forgotten")]
    private partial void LogStoreAway(StoreAddress store, string problem);
}
