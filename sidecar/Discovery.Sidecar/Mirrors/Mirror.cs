using System.Collections.Immutable;
using System.Threading.Channels;

namespace Discovery.Sidecar.Mirrors;

/// <summary>
/// The loop of one foreign copy: makes the backend hold what is wanted, for ever. Level-triggered: only the newest wanted set is
/// kept, so that a backend which is slow or away costs a bounded amount of memory and delays nobody. All state is the loop's own;
/// others call <see cref="Want"/> and <see cref="Resync"/> and read <see cref="Status"/>.
/// </summary>
internal sealed partial class Mirror : IAsyncDisposable
{
    private readonly MirrorBackend _backend;
    private readonly MirrorOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    // Null until the first Want: nothing is removed before it is known what is wanted.
    private IReadOnlyList<MirroredService>? _wanted;
    private bool _isInDoubt;
    private MirrorStatus _status = new();

    // What the backend holds, as far as is known; null when it must be read.
    private Dictionary<string, FoundEntry>? _known;
    private readonly Dictionary<string, MirrorEntry> _written = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _refused = new(StringComparer.Ordinal);
    private TimeSpan _retry = MirrorLimits.RetryMin;
    private DateTimeOffset _resyncAt;
    private DateTimeOffset _refreshAt = DateTimeOffset.MaxValue;

    /// <summary>A mirror that has not begun.</summary>
    /// <param name="uri">Where.</param>
    /// <param name="options">How.</param>
    /// <param name="time">Paces retries, renewals and comparisons.</param>
    /// <param name="logs">Told when the backend goes and comes.</param>
    /// <exception cref="FormatException">A certificate cannot be read; one line.</exception>
    public Mirror(MirrorUri uri, MirrorOptions options, TimeProvider time, ILoggerFactory logs)
    {
        Uri = uri;
        (_options, _time, _log) = (options, time, logs.CreateLogger<Mirror>());
        _backend = uri.Kind switch
        {
            MirrorKind.Etcd => new EtcdBackend(uri, options),
            MirrorKind.Etcd2 or MirrorKind.Skydns2 => new EtcdV2Backend(uri, options),
            MirrorKind.Etcd3 or MirrorKind.Coredns => new EtcdV3Backend(uri, options),
            MirrorKind.Consul => new ConsulAgentBackend(uri),
            MirrorKind.ConsulKv => new ConsulKvBackend(uri),
            MirrorKind.Zookeeper => new ZookeeperBackend(uri, time, Resync),
            _ => throw new ArgumentOutOfRangeException(nameof(uri), uri.Kind, "no such kind"),
        };
    }

    /// <summary>Where it writes.</summary>
    public MirrorUri Uri { get; }

    /// <summary>What is known now.</summary>
    public MirrorStatus Status
    {
        get
        {
            MirrorStatus status = Volatile.Read(ref _status);
            return status with { IsInStep = status.IsInStep && !IsStale(status.Of) };
        }
    }

    /// <summary>Replaces what is wanted. Anyone may call; returns at once.</summary>
    public void Want(IReadOnlyList<MirroredService> desired)
    {
        Volatile.Write(ref _wanted, desired);
        _wake.Writer.TryWrite(true);
    }

    /// <summary>Reads the backend again and compares all. Anyone may call; returns at once.</summary>
    public void Resync()
    {
        Volatile.Write(ref _isInDoubt, true);
        _wake.Writer.TryWrite(true);
    }

    /// <summary>Asks the backend once, as registrator does at its start: null when it answers, else why it does not.</summary>
    /// <remarks>Not while <see cref="RunAsync"/> runs.</remarks>
    public async Task<string?> PingAsync(CancellationToken cancellation)
    {
        try
        {
            await CallAsync(token => _backend.ListAsync([], token), cancellation);
            return null;
        }
        catch (MirrorException e)
        {
            return e.Message;
        }
    }

    /// <summary>Runs until cancelled. Then entries stay, for their TTL or for ever, or are removed if the options say so.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        _resyncAt = _time.GetUtcNow() + _options.Resync;
        _refreshAt = NextRefresh();
        try
        {
            while (true)
            {
                if (Interlocked.Exchange(ref _isInDoubt, false) || _time.GetUtcNow() >= _resyncAt)
                {
                    _known = null;
                }

                if (await StepAsync(cancellation) is { } pause)
                {
                    // Not ended by a new wanted set: a backend that is away must not be hammered, and the pause is short.
                    await Task.Delay(pause, _time, cancellation);
                }
                else
                {
                    await WaitAsync((_resyncAt < _refreshAt ? _resyncAt : _refreshAt) - _time.GetUtcNow(), cancellation);
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Stopped as asked.
        }

        if (_options.RemoveOnExit)
        {
            await LeaveAsync();
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _backend.DisposeAsync();

    /// <summary>One try to bring the backend in step. Null when there is nothing more to do, else after which pause to try again.</summary>
    private async Task<TimeSpan?> StepAsync(CancellationToken cancellation)
    {
        if (Volatile.Read(ref _wanted) is not { } services)
        {
            _resyncAt = _time.GetUtcNow() + _options.Resync;
            return null;
        }

        (ImmutableSortedDictionary<string, MirrorEntry> wanted, Dictionary<string, string> problems) = Entries(services);
        try
        {
            if (_known is null)
            {
                await ReadAsync(wanted, cancellation);
            }

            bool isWhole = await RefreshIfDueAsync(wanted, cancellation)
                && await ApplyAsync(MirrorPlan.Make(wanted, _known!, _written, _options.Host), services, cancellation);
            _retry = MirrorLimits.RetryMin;
            Publish(services, wanted, problems, null);
            return isWhole ? null : TimeSpan.Zero;
        }
        catch (MirrorException e)
        {
            // Whatever was under way has an unknown outcome: read before anything else is decided.
            _known = null;
            Publish(services, wanted, problems, e.Message);
            TimeSpan pause = _retry * (1 - (Random.Shared.NextDouble() / 2));
            _retry = _retry * 2 < MirrorLimits.RetryMax ? _retry * 2 : MirrorLimits.RetryMax;
            return pause;
        }
    }

    /// <summary>What the backend holds now. Whatever it refused before may be offered again.</summary>
    private async Task ReadAsync(ImmutableSortedDictionary<string, MirrorEntry> wanted, CancellationToken cancellation)
    {
        string[] candidates = [.. wanted.Keys.Union(_written.Keys)];
        var found = await CallAsync(token => _backend.ListAsync(candidates, token), cancellation);
        _known = found.ToDictionary(static e => e.Key, StringComparer.Ordinal);
        _resyncAt = _time.GetUtcNow() + _options.Resync;
        _refused.Clear();

        // What we wrote and somebody has changed or removed since is not remembered for ever.
        foreach (string key in _written.Keys.Where(key => _known.GetValueOrDefault(key)?.Mark != _written[key].Mark).ToList())
        {
            _written.Remove(key);
        }
    }

    /// <summary>False when something newer came to be wanted meanwhile: the rest of the plan may be stale then.</summary>
    private async Task<bool> ApplyAsync(MirrorPlan plan, IReadOnlyList<MirroredService> services, CancellationToken cancellation)
    {
        // Removals first: where one key can stand in another's way (a service's folder), it must go before.
        foreach (FoundEntry entry in plan.Removals)
        {
            await TryAsync(entry.Key, token => _backend.RemoveAsync(entry.Key, token), () =>
            {
                _known!.Remove(entry.Key);
                _written.Remove(entry.Key);
                Volatile.Write(ref _status, _status with { Removals = _status.Removals + 1 });
                LogRemoved(entry.Key, Uri);
            }, cancellation);
            if (IsStale(services))
            {
                return false;
            }
        }

        foreach (MirrorEntry entry in plan.Puts)
        {
            if (_written.GetValueOrDefault(entry.Key) != entry)
            {
                // What was refused at this key was something else.
                _refused.Remove(entry.Key);
            }

            // Remembered before it is sent: a put whose outcome is unknown is ours to remove all the same.
            _written[entry.Key] = entry;
            await TryAsync(entry.Key, token => _backend.PutAsync(entry, token), () =>
            {
                _known![entry.Key] = new(entry.Id, entry.Key, entry.Mark, IsOurs: true, IsLasting: true);
                Volatile.Write(ref _status, _status with { Puts = _status.Puts + 1 });
                LogWritten(entry.Key, Uri);
            }, cancellation);
            if (IsStale(services))
            {
                return false;
            }
        }

        foreach (MirrorEntry entry in plan.Releases)
        {
            await TryAsync(entry.Key, token => _backend.ReleaseAsync(entry, token), () => _written[entry.Key] = entry, cancellation);
        }

        return true;
    }

    /// <summary>One write; a refusal is noted and the others go on.</summary>
    private async Task TryAsync(string key, Func<CancellationToken, Task> write, Action done, CancellationToken cancellation)
    {
        if (_refused.ContainsKey(key))
        {
            return;
        }

        try
        {
            await CallAsync(
                async token =>
                {
                    await write(token);
                    return true;
                },
                cancellation);
            done();
        }
        catch (MirrorException e) when (e.IsRefusal)
        {
            _refused[key] = e.Message;
            DateTimeOffset again = _time.GetUtcNow() + MirrorLimits.RefusedRetry;
            _resyncAt = again < _resyncAt ? again : _resyncAt;
            LogRefused(key, e.Message);
        }
    }

    /// <summary>False when the backend must be read again first. A renewal that fails stays due.</summary>
    private async Task<bool> RefreshIfDueAsync(ImmutableSortedDictionary<string, MirrorEntry> wanted, CancellationToken cancellation)
    {
        if (_time.GetUtcNow() < _refreshAt)
        {
            return true;
        }

        MirrorEntry[] living = [.. wanted.Values.Where(entry => !entry.IsLapsing && _known!.GetValueOrDefault(entry.Key)?.Mark == entry.Mark)];
        bool isWhole = await CallAsync(token => _backend.RefreshAsync(living, token), cancellation);
        _refreshAt = NextRefresh();
        _known = isWhole ? _known : null;
        return isWhole;
    }

    /// <summary>One call within its time; a backend that hangs fails like one that is away.</summary>
    private async Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(_backend.CallTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            return await call(either.Token);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new MirrorException($"{Uri} did not answer within {_backend.CallTimeout.TotalSeconds:0} s", inner: e);
        }
    }

    /// <summary>By key; of two services at one key the last id has it, and the other's problem says so.</summary>
    private (ImmutableSortedDictionary<string, MirrorEntry> Wanted, Dictionary<string, string> Problems) Entries(IReadOnlyList<MirroredService> services)
    {
        var wanted = ImmutableSortedDictionary.CreateBuilder<string, MirrorEntry>(StringComparer.Ordinal);
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (MirroredService service in services.OrderBy(static s => s.Id, StringComparer.Ordinal))
        {
            if (service.Problem() is { } problem)
            {
                problems[service.Id] = problem;
                continue;
            }

            MirrorEntry entry = _backend.EntryOf(service);
            if (wanted.TryGetValue(entry.Key, out MirrorEntry? other) && other.Id != entry.Id)
            {
                problems[other.Id] = $"{entry.Id} stands at the same key";
            }

            wanted[entry.Key] = entry;
        }

        return (wanted.ToImmutable(), problems);
    }

    private void Publish(
        IReadOnlyList<MirroredService> services,
        ImmutableSortedDictionary<string, MirrorEntry> wanted,
        Dictionary<string, string> problems,
        string? problem)
    {
        var entries = ImmutableSortedDictionary.CreateBuilder<string, MirroredEntryStatus>(StringComparer.Ordinal);
        foreach (MirrorEntry entry in wanted.Values)
        {
            bool isWritten = _known?.GetValueOrDefault(entry.Key)?.Mark == entry.Mark && !_refused.ContainsKey(entry.Key);
            entries[entry.Id] = new(entry.Key, isWritten, isWritten ? null : _refused.GetValueOrDefault(entry.Key) ?? problem);
        }

        foreach ((string id, string why) in problems)
        {
            entries[id] = new("", false, why);
        }

        bool isInStep = problem is null && _known is not null && !IsStale(services) && _refused.Count == 0;
        MirrorStatus before = _status;
        Volatile.Write(ref _status, before with
        {
            Of = services,
            LastProblem = problem,
            IsInStep = isInStep,
            LastInStep = isInStep ? _time.GetUtcNow() : before.LastInStep,
            Entries = entries.ToImmutable(),
        });
        if (problem is not null && (before.LastProblem is null || before.LastProblem == MirrorStatus.NotReached))
        {
            LogAway(Uri, problem);
        }
        else if (problem is null && before.LastProblem is not null)
        {
            LogUp(Uri, wanted.Count);
        }
    }

    private bool IsStale(IReadOnlyList<MirroredService>? services) => !ReferenceEquals(services, Volatile.Read(ref _wanted));

    private DateTimeOffset NextRefresh() => _options.Ttl > TimeSpan.Zero ? _time.GetUtcNow() + _options.TtlRefresh : DateTimeOffset.MaxValue;

    private async Task WaitAsync(TimeSpan longest, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(longest > TimeSpan.Zero ? longest : TimeSpan.Zero, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            await _wake.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Time for a comparison or a renewal.
        }
    }

    private async Task LeaveAsync()
    {
        using var farewell = new CancellationTokenSource(MirrorLimits.Farewell, _time);
        Want([]);
        _known = null;
        _refreshAt = DateTimeOffset.MaxValue;
        try
        {
            await StepAsync(farewell.Token);
        }
        catch (OperationCanceledException)
        {
            LogLeftSilently(Uri);
        }
    }

    [LoggerMessage(2401, LogLevel.Information, "Mirror {Mirror} answers; {Count} services are to stand there")]
    private partial void LogUp(MirrorUri mirror, int count);

    [LoggerMessage(2402, LogLevel.Warning, "Mirror {Mirror} is away: {Problem}. Trying on; nothing is forgotten")]
    private partial void LogAway(MirrorUri mirror, string problem);

    [LoggerMessage(2403, LogLevel.Warning, "Not mirrored: {Key}: {Problem}")]
    private partial void LogRefused(string key, string problem);

    [LoggerMessage(2404, LogLevel.Debug, "Wrote {Key} to {Mirror}")]
    private partial void LogWritten(string key, MirrorUri mirror);

    [LoggerMessage(2405, LogLevel.Debug, "Removed {Key} from {Mirror}")]
    private partial void LogRemoved(string key, MirrorUri mirror);

    [LoggerMessage(2406, LogLevel.Warning, "Mirror {Mirror} did not answer on the way out; what stands there stays")]
    private partial void LogLeftSilently(MirrorUri mirror);
}
