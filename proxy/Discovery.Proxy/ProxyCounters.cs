namespace Discovery.Proxy;

/// <summary>What the proxy has done since it started; each counter is atomic by itself.</summary>
internal sealed class ProxyCounters
{
    private readonly long[] _errors = new long[Enum.GetValues<RequestError>().Length];
    private long _requests;
    private long _retries;
    private int _inFlight;

    /// <summary>Requests begun.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Requests begun and not ended.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Times a request was sent to a further destination.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    /// <summary>A request has come.</summary>
    public void Begin()
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Increment(ref _inFlight);
    }

    /// <summary>It has ended, however.</summary>
    public void End() => Interlocked.Decrement(ref _inFlight);

    /// <summary>It is sent to a further destination.</summary>
    public void Retry() => Interlocked.Increment(ref _retries);

    /// <summary>It ended without its answer.</summary>
    public void Error(RequestError error) => Interlocked.Increment(ref _errors[(int)error]);

    /// <summary>How many requests ended so.</summary>
    public long Errors(RequestError error) => Interlocked.Read(ref _errors[(int)error]);
}

/// <summary>Why a request got no answer from an instance.</summary>
internal enum RequestError
{
    /// <summary>The catalog has not been read yet: 503.</summary>
    NotReady,

    /// <summary>No route for host and path: 404.</summary>
    NoRoute,

    /// <summary>No instance takes requests: 503.</summary>
    NoInstance,

    /// <summary>No connection to any of the instances tried: 502.</summary>
    Connect,

    /// <summary>An instance took the request and broke off: 502, or a cut answer.</summary>
    Broken,

    /// <summary>Nothing came from the instance for too long: 504, or a cut answer.</summary>
    Timeout,

    /// <summary>The client went away or sent a broken body; no instance is to blame.</summary>
    Client,
}
