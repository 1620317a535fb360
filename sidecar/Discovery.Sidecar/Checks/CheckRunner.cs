using System.Collections.Immutable;
using System.Threading.Channels;
using Discovery.Catalog;

namespace Discovery.Sidecar.Checks;

/// <summary>
/// THE loop of the checks: what is wanted, what is due, what was found. All state is its own; others say what they want
/// (<see cref="Set"/>, <see cref="Remove"/>), ask through its inbox, and hear of changes only: a steady host hears nothing.
/// Runs are tasks that carry one question to one container and their answer to the inbox.
/// </summary>
/// <param name="probes">Ask the containers.</param>
/// <param name="changed">Called by the loop for each change, in order; must return at once.</param>
/// <param name="time">The clock.</param>
/// <param name="chance">Spreads the checks.</param>
/// <param name="log">For what must not happen.</param>
internal sealed partial class CheckRunner(
    CheckProbes probes,
    Action<CheckChange> changed,
    TimeProvider time,
    Random chance,
    ILogger<CheckRunner> log) : IDisposable
{
    private readonly long _start = time.GetTimestamp();
    private readonly CheckSchedule _schedule = new(CheckLimits.AtOnce, chance);
    private readonly Dictionary<string, Wanted> _applied = new(StringComparer.Ordinal);
    private readonly Dictionary<CheckKey, CheckState> _states = [];
    private readonly Dictionary<CheckKey, CheckState> _ttls = [];
    private readonly Dictionary<CheckKey, CancellationTokenSource> _running = [];

    // Full: whoever writes waits. A wake-up that finds no room is not needed, since the loop has work then.
    private readonly Channel<CheckNotice> _inbox = Channel.CreateBounded<CheckNotice>(
        new BoundedChannelOptions(CheckLimits.Inbox + CheckLimits.AtOnce) { SingleReader = true });

    // What is wanted is replaced as a whole and compared by the loop: a storm of containers is one comparison, and nothing queues up.
    private ImmutableDictionary<string, Wanted> _wanted = ImmutableDictionary.Create<string, Wanted>(StringComparer.Ordinal);
    private ImmutableDictionary<string, Wanted>? _compared;
    private int _wakePending;

    private Moment Now => new(time.GetElapsedTime(_start), time.GetUtcNow());

    /// <summary>The container is to have these checks, which may be the ones that it has. Anyone may call.</summary>
    /// <param name="containerId">Docker's full id.</param>
    /// <param name="startedAt">When this run of the container began: after another start its checks begin anew.</param>
    /// <param name="specs">With different names. What equals a check that it has goes on undisturbed.</param>
    /// <param name="known">What the record holds of its checks from an earlier life of the sidecar, of the same run of the container.</param>
    public void Set(string containerId, DateTimeOffset? startedAt, EquatableArray<CheckSpec> specs, IEnumerable<InstanceCheck>? known = null)
    {
        if (Volatile.Read(ref _wanted).TryGetValue(containerId, out Wanted? has)
            ? has.Specs == specs && has.StartedAt == startedAt
            : specs.Count == 0)
        {
            return;
        }

        var first = new Wanted(specs, startedAt, [.. known ?? []], new());
        ImmutableInterlocked.AddOrUpdate(
            ref _wanted, containerId, first, (_, old) => old.StartedAt == startedAt ? first with { Life = old.Life } : first);
        Wake();
    }

    /// <summary>The container is gone, or ended: should it come back its checks begin anew. Anyone may call.</summary>
    public void Remove(string containerId)
    {
        if (ImmutableInterlocked.TryRemove(ref _wanted, containerId, out _))
        {
            Wake();
        }
    }

    /// <summary>Every check of a container, or of all containers when it is null, by container id.</summary>
    public async Task<ImmutableArray<KeyValuePair<string, CheckReport>>> ReportAsync(string? containerId, CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<ImmutableArray<KeyValuePair<string, CheckReport>>>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _inbox.Writer.WriteAsync(new CheckNotice.Question(containerId, answer), cancellation);
        return await answer.Task.WaitAsync(cancellation);
    }

    /// <summary>A TTL check passes; it must be said again before the TTL ends.</summary>
    public Task<WordOutcome> PassAsync(CheckKey key, string note, CancellationToken cancellation) => SayAsync(key, Health.Passing, note, cancellation);

    /// <summary>A TTL check complains; requests still go there.</summary>
    public Task<WordOutcome> WarnAsync(CheckKey key, string note, CancellationToken cancellation) => SayAsync(key, Health.Warning, note, cancellation);

    /// <summary>A TTL check fails.</summary>
    public Task<WordOutcome> FailAsync(CheckKey key, string note, CancellationToken cancellation) => SayAsync(key, Health.Critical, note, cancellation);

    /// <summary>Runs until cancelled; returns when no run is under way any more.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await using ITimer timer = time.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        try
        {
            while (await _inbox.Reader.WaitToReadAsync(cancellation))
            {
                // Before the look at what is wanted: who changes that afterwards wakes the loop again.
                Interlocked.Exchange(ref _wakePending, 0);
                while (_inbox.Reader.TryRead(out CheckNotice? notice))
                {
                    Take(notice);
                }

                Compare();
                Moment now = Now;
                TimeSpan? next = ReviewTtls(now);
                while (_schedule.TryTake(now.Steady, out DueRun run))
                {
                    Start(run);
                }

                next = Earlier(next, _schedule.Next);
                timer.Change(next is { } due ? Later(due - now.Steady) : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Stopped as asked.
        }

        await EndAsync();
    }

    /// <inheritdoc/>
    public void Dispose() => probes.Dispose();

    private async Task<WordOutcome> SayAsync(CheckKey key, Health status, string note, CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<WordOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _inbox.Writer.WriteAsync(new CheckNotice.Word(key, status, note, answer), cancellation);
        return await answer.Task.WaitAsync(cancellation);
    }

    private void Wake()
    {
        if (Interlocked.Exchange(ref _wakePending, 1) == 0)
        {
            _inbox.Writer.TryWrite(new CheckNotice.Wake());
        }
    }

    private void Take(CheckNotice notice)
    {
        switch (notice)
        {
            case CheckNotice.Ended ended:
                OnEnded(ended);
                break;
            case CheckNotice.Word word:
                // Also for a check that was asked for a moment ago.
                Compare();
                word.Answer.SetResult(OnWord(word));
                break;
            case CheckNotice.Question question:
                Compare();
                question.Answer.SetResult(
                [
                    .. _states.Where(s => question.ContainerId is null || s.Key.ContainerId == question.ContainerId)
                        .OrderBy(static s => s.Key.ContainerId, StringComparer.Ordinal).ThenBy(static s => s.Key.Name, StringComparer.Ordinal)
                        .Select(static s => KeyValuePair.Create(s.Key.ContainerId, s.Value.Report())),
                ]);
                break;
        }
    }

    /// <summary>Makes the checks what is wanted of them.</summary>
    private void Compare()
    {
        var wanted = Volatile.Read(ref _wanted);
        if (ReferenceEquals(wanted, _compared))
        {
            return;
        }

        _compared = wanted;
        Moment now = Now;
        foreach ((string id, Wanted old) in _applied.Where(a => !wanted.TryGetValue(a.Key, out Wanted? now) || now.Life != a.Value.Life).ToList())
        {
            foreach (CheckSpec spec in old.Specs)
            {
                Drop(CheckKey.Of(id, spec));
            }

            _applied.Remove(id);
        }

        foreach ((string id, Wanted target) in wanted)
        {
            if (_applied.TryGetValue(id, out Wanted? has) && ReferenceEquals(has, target))
            {
                continue;
            }

            _applied[id] = target;

            // A check that is asked for otherwise, such as at another address, keeps its word until results speak against it.
            InstanceCheck[] known = [.. has?.Specs.Select(s => _states[CheckKey.Of(id, s)].Check) ?? [], .. target.Known];
            foreach (CheckSpec spec in has?.Specs.Where(s => !target.Specs.Contains(s)) ?? [])
            {
                Drop(CheckKey.Of(id, spec));
            }

            foreach (CheckSpec spec in target.Specs.Where(s => has?.Specs.Contains(s) != true))
            {
                Add(CheckKey.Of(id, spec), spec, Array.Find(known, k => k.Name == spec.Name), now);
            }
        }
    }

    private void Add(CheckKey key, CheckSpec spec, InstanceCheck? known, Moment now)
    {
        CheckState state = new(spec, now, known);
        _states[key] = state;
        if (spec.Type == CheckType.Ttl)
        {
            _ttls[key] = state;
        }
        else
        {
            _schedule.Set(key, spec.Interval, now.Steady);
        }
    }

    private void Drop(CheckKey key)
    {
        _states.Remove(key);
        _ttls.Remove(key);
        _schedule.Remove(key);
        if (_running.TryGetValue(key, out CancellationTokenSource? run))
        {
            run.Cancel();
        }
    }

    private void Start(DueRun run)
    {
        CheckSpec spec = _states[run.Key].Spec;
        var deadline = new CancellationTokenSource(spec.Timeout, time);
        _running[run.Key] = deadline;
        _ = AskAsync(run, spec, deadline.Token);
    }

    private async Task AskAsync(DueRun run, CheckSpec spec, CancellationToken deadline)
    {
        long start = time.GetTimestamp();
        CheckResult? result;
        try
        {
            result = await probes.AskAsync(run.Key.ContainerId, spec, deadline);
        }
        catch (Exception e)
        {
            // The edge of a run: whatever a container answers, its place must be given back and the others go on.
            LogFailed(run.Key.Name, run.Key.ContainerId, e);
            result = CheckResult.Critical($"the check failed in a way that is not foreseen: {e.Message}");
        }

        await _inbox.Writer.WriteAsync(new CheckNotice.Ended(run, result, time.GetElapsedTime(start)), CancellationToken.None);
    }

    private void OnEnded(CheckNotice.Ended ended)
    {
        CheckKey key = ended.Run.Key;
        _running.Remove(key, out CancellationTokenSource? deadline);
        deadline?.Dispose();
        Moment now = Now;
        bool isKnown = _states.TryGetValue(key, out CheckState? state);
        TimeSpan? soon = isKnown && state!.Status == Health.Starting && ended.Result?.Status is not (Health.Passing or Health.Warning)
            ? CheckLimits.StartInterval
            : null;
        if (!_schedule.Ended(ended.Run, now.Steady, soon))
        {
            probes.Forget(key);
        }
        else if (ended.Result is not null)
        {
            state!.Apply(ended.Result, ended.Latency, now);
            Tell(key, state, now);
        }
    }

    private WordOutcome OnWord(CheckNotice.Word word)
    {
        if (!_states.TryGetValue(word.Key, out CheckState? state))
        {
            return WordOutcome.NoSuchCheck;
        }

        if (state.Spec.Type != CheckType.Ttl)
        {
            return WordOutcome.NotTtl;
        }

        Moment now = Now;
        string note = CheckResult.Clean(word.Note, CheckLimits.Output);
        state.Apply(new(word.Status, CheckResult.FirstLine(note), note), TimeSpan.Zero, now);
        Tell(word.Key, state, now);
        return WordOutcome.Taken;
    }

    private TimeSpan? ReviewTtls(Moment now)
    {
        TimeSpan? next = null;
        foreach ((CheckKey key, CheckState state) in _ttls)
        {
            if (state.Deadline <= now.Steady)
            {
                Tell(key, state, now);
            }

            next = Earlier(next, state.Deadline);
        }

        return next;
    }

    private void Tell(CheckKey key, CheckState state, Moment now)
    {
        state.Review(now);
        if (state.TakeChange(key.ContainerId, _applied[key.ContainerId].StartedAt, now) is { } change)
        {
            changed(change);
        }
    }

    /// <summary>Nothing is left behind: every run is cancelled and waited for, whoever asks is told that nobody will answer.</summary>
    private async Task EndAsync()
    {
        foreach (CancellationTokenSource run in _running.Values)
        {
            await run.CancelAsync();
        }

        while (_running.Count > 0)
        {
            Leave(await _inbox.Reader.ReadAsync(CancellationToken.None));
        }

        _inbox.Writer.TryComplete();
        while (_inbox.Reader.TryRead(out CheckNotice? notice))
        {
            Leave(notice);
        }
    }

    private void Leave(CheckNotice notice)
    {
        switch (notice)
        {
            case CheckNotice.Ended ended:
                _running.Remove(ended.Run.Key, out CancellationTokenSource? deadline);
                deadline?.Dispose();
                break;
            case CheckNotice.Word word:
                word.Answer.TrySetCanceled();
                break;
            case CheckNotice.Question question:
                question.Answer.TrySetCanceled();
                break;
        }
    }

    private static TimeSpan? Earlier(TimeSpan? a, TimeSpan? b) => a is null || b < a ? b : a;

    /// <summary>Timers count whole milliseconds; one that is rounded down would fire too early, and again and again.</summary>
    private static TimeSpan Later(TimeSpan wait) => wait <= TimeSpan.Zero ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds));

    [LoggerMessage(2100, LogLevel.Error, "The check {Check} of container {Container} failed in a way that is not foreseen; it counts as critical")]
    private partial void LogFailed(string check, string container, Exception e);

    /// <summary>The checks of one container; <paramref name="Life"/> is another object after another start, or when it was removed meanwhile.</summary>
    private sealed record Wanted(EquatableArray<CheckSpec> Specs, DateTimeOffset? StartedAt, InstanceCheck[] Known, object Life);
}
