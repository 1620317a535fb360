namespace Discovery.Testing;

/// <summary>A proxy on a free port of loopback.</summary>
public sealed class RunningProxy : IAsyncDisposable
{
    private readonly RunningProcess _process;

    private RunningProxy(string store)
    {
        Url = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        Admin = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        _process = RunningProcess.Start(
            Programs.Proxy, ["--store", store, "--urls", Url.OriginalString, "--admin-url", Admin.OriginalString]);
    }

    /// <summary>Where it takes requests.</summary>
    public Uri Url { get; }

    /// <summary>Its admin address.</summary>
    public Uri Admin { get; }

    /// <summary>What it printed last.</summary>
    public string Tail => _process.Tail;

    /// <summary>Starts one and waits until it answers.</summary>
    public static async Task<RunningProxy> StartAsync(Uri store)
    {
        var proxy = new RunningProxy($"etcd://{store.Authority}");
        try
        {
            await WebProbe.AnswersAsync(new Uri(proxy.Admin, "/healthz"), proxy._process);
            return proxy;
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }
    }

    /// <summary>A request for a service by its name.</summary>
    public Task<WebAnswer> AskAsync(string service, string path = "/") => AskHostAsync($"{service}.localhost", path);

    /// <summary>A request with this Host header.</summary>
    public Task<WebAnswer> AskHostAsync(string host, string path = "/") => WebProbe.GetAsync(new Uri(Url, path), host);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
