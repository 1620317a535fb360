using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;

namespace Discovery.Testing;

/// <summary>
/// One member of a <see cref="RunningCluster"/>: its addresses and its data stay the same, its process comes and goes. Started by
/// etcd's documented flags, whichever engine it is.
/// </summary>
public sealed class RunningMember : IAsyncDisposable
{
    /// <summary>Above it a member that is asked for its status counts as silent.</summary>
    private static readonly TimeSpan StatusPatience = TimeSpan.FromSeconds(1);

    private readonly StoreEngine _engine;
    private readonly NetworkHost? _host;
    private readonly string _listenPeerUrl;
    private readonly string? _cores;
    private readonly IReadOnlyList<string> _flags;
    private readonly List<string> _endedLogs = [];
    private IReadOnlyList<string> _formation = [];
    private RunningProcess? _process;

    internal RunningMember(ClusterOptions options, string name, NetworkHost? host, string dataFolder)
    {
        string address = host?.Address ?? "127.0.0.1";
        int peerPort = FreePort.Next();
        _engine = options.Engine;
        _host = host;
        _cores = options.Cores;
        _flags = options.Flags;
        _listenPeerUrl = $"http://{address}:{peerPort}";
        Name = name;
        DataFolder = dataFolder;
        ClientUrl = new Uri($"http://{address}:{FreePort.Next()}");
        Relay = options.IsRelayed ? new FaultRelay(peerPort) : null;
        PeerUrl = Relay is null ? _listenPeerUrl : $"http://127.0.0.1:{Relay.Port}";
        Channel = new GrpcChannel(ClientUrl);
    }

    /// <summary>Its <c>--name</c>.</summary>
    public string Name { get; }

    /// <summary>Where clients reach it.</summary>
    public Uri ClientUrl { get; }

    /// <summary>Where it says that peers reach it.</summary>
    public string PeerUrl { get; }

    /// <summary>Its <c>--data-dir</c>.</summary>
    public string DataFolder { get; }

    /// <summary>What stands before its peer port, if the cluster is relayed.</summary>
    public FaultRelay? Relay { get; }

    /// <summary>Calls to this member alone.</summary>
    public GrpcChannel Channel { get; }

    /// <summary>Whether it was started and has not ended; a suspended one runs.</summary>
    public bool IsRunning => _process is { HasExited: false };

    /// <summary>Whether it stands still.</summary>
    public bool IsSuspended { get; private set; }

    /// <summary>Its process's id; the member must have been started.</summary>
    public int ProcessId => _process!.Id;

    /// <summary>Its pair in <c>--initial-cluster</c>.</summary>
    public string ClusterEntry => $"{Name}={PeerUrl}";

    /// <summary>What it printed last.</summary>
    public string Tail => _process?.Tail ?? $"--- {Name}: not started";

    /// <summary>All that its processes printed.</summary>
    public string Log => string.Join('\n', _endedLogs.Append(_process?.Log ?? ""));

    /// <summary>Starts its process and waits for nothing.</summary>
    /// <param name="formation">The flags that say which cluster: <c>--initial-cluster</c> and the like; none are fine.</param>
    public void Start(params IReadOnlyList<string> formation)
    {
        if (_process is not null)
        {
            _endedLogs.Add(_process.Log);
        }

        _formation = formation;
        IsSuspended = false;
        IEnumerable<string> program = _engine == StoreEngine.Etcd ? ["etcd"] : [Programs.Discovery, "store"];
        if (_host is not null)
        {
            program = ["nsenter", $"--net=/run/netns/{_host.Namespace}", .. program];
        }

        // Both only start the next program in their place: the process id stays the member's.
        program = _cores is null ? program : ["taskset", "-c", _cores, .. program];
        _process = RunningProcess.Start(program.First(),
        [
            .. program.Skip(1),
            "--name", Name,
            "--data-dir", DataFolder,
            "--listen-client-urls", ClientUrl.OriginalString,
            "--advertise-client-urls", ClientUrl.OriginalString,
            "--listen-peer-urls", _listenPeerUrl,
            "--initial-advertise-peer-urls", PeerUrl,
            .. formation,
            .. _flags,
        ]);
    }

    /// <summary>Starts it on the data that it left, with the flags that it had; etcd ignores <c>--initial-*</c> then.</summary>
    public void StartAgain() => Start(_formation);

    /// <summary>Waits until it answers clients, whether or not there is a leader.</summary>
    public Task AnswersAsync() => Eventually.HoldsAsync(
        async () => await TryStatusAsync() is not null || (IsRunning ? false : throw new ProcessEndedException(Tail)),
        saw: () => Tail,
        what: $"{Name} answers");

    /// <summary>Waits until it has applied what another member has in its log now.</summary>
    public async Task CaughtUpAsync(RunningMember with, TimeSpan? within = null)
    {
        StatusResponse? goal = null, last = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                goal ??= await with.TryStatusAsync();
                last = await TryStatusAsync();
                return last?.RaftAppliedIndex >= goal?.RaftIndex || (IsRunning ? false : throw new ProcessEndedException(Tail));
            },
            saw: () => $"applied {last?.RaftAppliedIndex} of {goal?.RaftIndex}\n{Tail}",
            within,
            what: $"{Name} has caught up with {with.Name}");
    }

    /// <summary>What it says of itself and its leader; null when it does not answer within a second.</summary>
    public async Task<StatusResponse?> TryStatusAsync()
    {
        if (!IsRunning || IsSuspended)
        {
            return null;
        }

        try
        {
            return await Channel.UnaryAsync(
                "/etcdserverpb.Maintenance/Status", new StatusRequest(), StatusResponse.Parser, token: null, StatusPatience, CancellationToken.None);
        }
        catch (GrpcException)
        {
            return null;
        }
    }

    /// <summary>Ends it as a power cut would, as far as a process can.</summary>
    public async Task KillAsync()
    {
        await _process!.KillAsync();
        IsSuspended = false;
    }

    /// <summary>SIGTERM, and its end.</summary>
    public Task<FinishedProcess> StopAsync() => _process!.TerminateAsync();

    /// <summary>Waits until it ends by itself.</summary>
    public Task<FinishedProcess> EndsAsync() => _process!.ExitAsync();

    /// <summary>It stands still until <see cref="Resume"/>.</summary>
    public void Suspend()
    {
        IsSuspended = true;
        _process!.Suspend();
    }

    /// <summary>It goes on.</summary>
    public void Resume()
    {
        _process!.Resume();
        IsSuspended = false;
    }

    /// <summary>Takes its data away; it must have ended.</summary>
    public void Wipe() => Directory.Delete(DataFolder, recursive: true);

    /// <summary>Kills it: whoever ends a whole cluster need not wait for its last elections.</summary>
    public async ValueTask DisposeAsync()
    {
        if (IsRunning)
        {
            await KillAsync();
        }

        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        Channel.Dispose();
        if (Relay is not null)
        {
            await Relay.DisposeAsync();
        }
    }
}
