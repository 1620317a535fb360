using Discovery.Catalog;

namespace Discovery.Sidecar.Checks;

/// <summary>One check over time: results in, status out. Pure; belongs to the loop that runs the checks.</summary>
internal sealed class CheckState
{
    private readonly Moment _since;
    private readonly Queue<CheckRun> _history = new();
    private InstanceCheck _check;
    private string _output = "";
    private string _lastFailure = "";
    private int _successes;
    private int _failures;
    private TimeSpan? _criticalSince;
    private TimeSpan _heard;
    private bool _isDeregistered;

    // What the record says, as far as this check knows: at first what its spec or an earlier life left.
    private InstanceCheck _told;
    private bool _toldDeregistered;
    private TimeSpan _toldAt;

    /// <summary>A check that has not been run.</summary>
    /// <param name="spec">What was asked for.</param>
    /// <param name="now">From when on it is run.</param>
    /// <param name="known">
    /// The same check in the record that an earlier life of the sidecar left; its status stands until results speak
    /// against it, so that a restart of the sidecar changes nothing in the catalog. Null when there is none.
    /// </param>
    public CheckState(CheckSpec spec, Moment now, InstanceCheck? known = null)
    {
        (Spec, _since, _heard) = (spec, now, now.Steady);
        bool isSame = known is not null && known.Name == spec.Name && known.Type == spec.TypeName;
        _check = isSame ? known! : spec.Before;
        _told = _check;
        _toldAt = now.Steady;
        _criticalSince = _check.Status == Health.Critical ? now.Steady : null;
    }

    /// <summary>What was asked for.</summary>
    public CheckSpec Spec { get; }

    /// <summary>As it goes into the record.</summary>
    public InstanceCheck Check => _check;

    /// <summary>What it says now.</summary>
    public Health Status => _check.Status;

    /// <summary>When a TTL ends or a deregistration falls due without any result; null for checks that are run.</summary>
    public TimeSpan? Deadline => Spec.Type != CheckType.Ttl ? null
        : !IsSilent ? _heard + Spec.Ttl
        : _isDeregistered || _criticalSince is null ? null
        : _criticalSince + Spec.DeregisterAfter;

    private bool IsSilent { get; set; }

    /// <summary>
    /// Takes a result. Thresholds count results in a row; passing and warning are both successes, and change into
    /// each other at once, since both get requests.
    /// </summary>
    public void Apply(CheckResult result, TimeSpan latency, Moment now)
    {
        (_heard, IsSilent) = (now.Steady, false);

        // A steady check says the same for ever: one text for all of its runs.
        string said = CheckResult.Clean(result.Summary, Limits.CheckOutput);
        string summary = said == _check.Output ? _check.Output : said;
        Remember(new(now.Wall, result.Status, summary, latency));
        _output = result.Output.Length > 0 ? result.Output : summary;
        if (result.Status == Health.Critical)
        {
            _lastFailure = _output;
            _successes = 0;

            // A program that has never been up may take its time; what it says meanwhile is shown and not counted.
            bool isComingUp = Status == Health.Starting && now.Steady - _since.Steady < CheckLimits.StartPeriod;
            _failures = isComingUp ? 0 : _failures + 1;
        }
        else
        {
            _failures = 0;
            _successes++;
        }

        bool isUp = Status is Health.Passing or Health.Warning;
        Health next =
            result.Status == Health.Critical ? _failures >= Spec.UnhealthyThreshold ? Health.Critical : Status
            : isUp || _successes >= Spec.HealthyThreshold ? result.Status
            : Status;
        Become(next, summary, now);
    }

    /// <summary>Looks at the clock: a TTL that ended makes the check critical, and who was critical for too long is to be deregistered.</summary>
    public void Review(Moment now)
    {
        if (Spec.Type == CheckType.Ttl && !IsSilent && now.Steady - _heard >= Spec.Ttl)
        {
            IsSilent = true;
            string summary = $"nobody said within {Catalog.Programs.Flags.Format(Spec.Ttl)} that all is well";
            Remember(new(now.Wall, Health.Critical, summary, TimeSpan.Zero));
            (_output, _lastFailure) = (summary, summary);
            Become(Health.Critical, summary, now);
        }

        _isDeregistered = Spec.DeregisterAfter is { } after && _criticalSince is { } since && now.Steady - since >= after;
    }

    /// <summary>What the record does not know yet; null when nothing. Output alone is told at most every <see cref="Limits.OutputPace"/>.</summary>
    public CheckChange? TakeChange(string containerId, DateTimeOffset? startedAt, Moment now)
    {
        bool isNew = _told.Status != _check.Status || _toldDeregistered != _isDeregistered;
        bool isOutput = _told.Output != _check.Output && now.Steady - _toldAt >= Limits.OutputPace;
        if (!isNew && !isOutput)
        {
            return null;
        }

        (_told, _toldDeregistered, _toldAt) = (_check, _isDeregistered, now.Steady);
        return new(containerId, startedAt, Spec.Port, _check, _isDeregistered);
    }

    /// <summary>Everything, for whoever asks.</summary>
    public CheckReport Report() => new()
    {
        Spec = Spec,
        Check = _check,
        Output = _output,
        LastFailure = _lastFailure,
        Latency = _history.Count == 0 ? null : _history.Last().Latency,
        InARow = Status is Health.Passing or Health.Warning ? _failures : _successes,
        IsDeregistered = _isDeregistered,
        History = [.. _history],
    };

    private void Become(Health next, string summary, Moment now)
    {
        _check = next == Status
            ? _check with { Output = summary }
            : _check with { Status = next, Output = summary, ChangedAt = now.Wall };
        _criticalSince = next == Health.Critical ? _criticalSince ?? now.Steady : null;
        _isDeregistered &= next == Health.Critical;
    }

    private void Remember(CheckRun run)
    {
        _history.Enqueue(run);
        if (_history.Count > CheckLimits.History)
        {
            _history.Dequeue();
        }
    }
}
