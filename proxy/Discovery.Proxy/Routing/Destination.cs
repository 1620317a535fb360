using Discovery.Catalog;

namespace Discovery.Proxy.Routing;

/// <summary>An instance as the request path sees it; immutable but for its <see cref="Traffic"/>.</summary>
/// <param name="Instance">The record.</param>
/// <param name="Traffic">What runs to it; passed on to the next version of the same instance.</param>
internal sealed record Destination(ServiceInstance Instance, Traffic Traffic)
{
    /// <summary>Where requests are sent.</summary>
    public string Prefix { get; } = $"http://{Instance.Endpoint}";

    /// <summary>
    /// The same instance in its next version. Another endpoint or container under the same key starts with a clean
    /// slate: what is known of the old one does not hold for it.
    /// </summary>
    public Destination With(ServiceInstance next) =>
        ReferenceEquals(next, Instance) ? this
        : new(next, next.Endpoint == Instance.Endpoint && next.Container?.Id == Instance.Container?.Id ? Traffic : new Traffic());
}

/// <summary>
/// What runs to one instance now: requests in flight, and whether it is avoided after a failed connect. The one thing
/// on the request path that changes; each member is atomic by itself.
/// </summary>
internal sealed class Traffic
{
    private int _inFlight;
    private int _failures;
    private long _avoidUntil;

    /// <summary>Requests that were sent or are being sent and have not ended.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Connects that failed since the last that succeeded, not counting those made at the same time.</summary>
    public int Failures => Volatile.Read(ref _failures);

    /// <summary>A request is sent here.</summary>
    public void Begin() => Interlocked.Increment(ref _inFlight);

    /// <summary>That request has ended, however.</summary>
    public void End() => Interlocked.Decrement(ref _inFlight);

    /// <summary>Whether requests should go elsewhere; <paramref name="now"/> is a timestamp of the time provider.</summary>
    public Standing Standing(long now) => Volatile.Read(ref _avoidUntil) switch
    {
        0 => Routing.Standing.Open,
        var until when now < until => Routing.Standing.Avoided,
        _ => Routing.Standing.Due,
    };

    /// <summary>Makes the caller the one request that finds out whether the instance is back; the others go on avoiding it.</summary>
    public bool TryProbe(long now, TimeProvider time)
    {
        long until = Volatile.Read(ref _avoidUntil);
        return until != 0 && until <= now
            && Interlocked.CompareExchange(ref _avoidUntil, now + Ticks(Limits.Connect * 2, time), until) == until;
    }

    /// <summary>A connect failed. Returns for how long the instance is avoided now; null when another failure has said so already.</summary>
    /// <param name="wasProbe">Whether this request was the one of <see cref="TryProbe"/>.</param>
    /// <param name="time">Whose timestamps are compared.</param>
    public TimeSpan? Failed(bool wasProbe, TimeProvider time)
    {
        long now = time.GetTimestamp();
        long until = Volatile.Read(ref _avoidUntil);
        if (until > now && !wasProbe)
        {
            return null;
        }

        TimeSpan avoid = Limits.AvoidFirst * Math.Pow(2, Math.Min(Failures, 16));
        avoid = avoid < Limits.AvoidMax ? avoid : Limits.AvoidMax;
        if (Interlocked.CompareExchange(ref _avoidUntil, now + Ticks(avoid, time), until) != until)
        {
            return null;
        }

        Interlocked.Increment(ref _failures);
        return avoid;
    }

    /// <summary>The instance took a connection. True when it had been avoided until now.</summary>
    public bool Succeeded()
    {
        // Reading first keeps the cache line shared between cores while all is well.
        if (Volatile.Read(ref _avoidUntil) == 0)
        {
            return false;
        }

        Volatile.Write(ref _failures, 0);
        return Interlocked.Exchange(ref _avoidUntil, 0) != 0;
    }

    private static long Ticks(TimeSpan span, TimeProvider time) => (long)(span.TotalSeconds * time.TimestampFrequency);
}

/// <summary>How an instance stands after the connects to it.</summary>
internal enum Standing
{
    /// <summary>The last connect succeeded, or there was none.</summary>
    Open,

    /// <summary>The last connect failed, a short while ago.</summary>
    Avoided,

    /// <summary>The while is over: one request may try.</summary>
    Due,
}
