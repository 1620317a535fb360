using Discovery.Simulator.Checks;
using Discovery.Simulator.Cluster;
using Discovery.Simulator.Faults;
using Discovery.Simulator.Report;
using Discovery.Simulator.Time;
using Discovery.Simulator.Workload;
using Discovery.Store;

namespace Discovery.Simulator;

/// <summary>One seed from beginning to end: a time of faults, a time of peace, and the judgement.</summary>
internal sealed class SeedRun
{
    /// <summary>Attempts of the search for a linearization: about a second.</summary>
    private const long SearchSteps = 1_000_000;

    private readonly Simulation _simulation;
    private readonly SimulatedCluster _cluster;
    private readonly WatchLedger _watches = new();
    private readonly History _history = new();
    private readonly CancellationTokenSource _quiet = new();
    private readonly CancellationTokenSource _enough = new();
    private readonly TimeSpan _faulty;
    private readonly FaultInjector _faults;
    private readonly Operator _operator;

    public SeedRun(long seed, int memberCount)
    {
        var chance = new Chance(seed, "plan");
        var plan = FaultPlan.From(chance);
        _simulation = new Simulation(seed, plan.DriftMax);
        _faulty = chance.Between(TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(90));
        _cluster = new SimulatedCluster(_simulation, plan.MixesVersions);
        memberCount = memberCount > 0 ? memberCount : chance.Pick([1, 3, 3, 3, 5, 5]);
        for (int i = 1; i <= memberCount; i++)
        {
            _cluster.Add(new SimulatedMember(_cluster, $"m{i}", Options(chance, i, memberCount)));
        }

        var budget = new FaultBudget(_cluster);
        _faults = new FaultInjector(_cluster, budget, plan);
        var access = new ClientAccess(_simulation, _history);
        _operator = new Operator(_cluster, access, budget, number => Options(chance, number, 0), plan.ChangesMembers);
        StartClients(access, WorkloadPlan.From(chance));
    }

    public Trace Trace => _simulation.Trace;

    public Tally Tally => _simulation.Tally;

    /// <summary>Events so far.</summary>
    public long Steps => _simulation.Events.Steps;

    /// <summary>Simulated time.</summary>
    public TimeSpan Now => _simulation.Now;

    /// <summary>Runs all of it.</summary>
    /// <exception cref="ViolationException">A promise was broken.</exception>
    public void Run()
    {
        _faults.Start();
        foreach (SimulatedMember member in _cluster.Members)
        {
            member.Start();
        }

        _simulation.RunUntil(_faulty);
        _quiet.Cancel();
        var peace = new Peace(_cluster, _operator.IsSettled);
        if (HealthyCore.Choose(_cluster, _simulation.ChanceOf("core")) is { } core)
        {
            _faults.HealCore(core.Members);
            peace.AwaitWork(core);
        }

        _faults.Heal();
        peace.AwaitLeader();
        _simulation.Observer.Leases.LeaderIs(reachesMajority: true);
        _simulation.RunUntil(_simulation.Now + TimeSpan.FromSeconds(5));
        _enough.Cancel();
        _simulation.RunUntil(_simulation.Now + TimeSpan.FromSeconds(12));
        peace.AwaitAgreement();
        _watches.CaughtUp();
        NoteLoad();
        Judge(LinearizabilityCheck.Check(_history, SearchSteps));
        Tally.Add("operations judged", _history.Operations.Count);
        Tally.Add("events", _simulation.Events.Steps);
        Tally.Add("continuations", _simulation.Continuations.Ran);
    }

    /// <summary>Six faults a minute and twenty calls a second are promised of every seed.</summary>
    private void NoteLoad()
    {
        if (Tally.Sum("fault ") < 6 * _faulty.TotalMinutes)
        {
            Tally.Add("seeds with too few faults");
        }

        if (Tally.Sum("operations ") < 20 * _faulty.TotalSeconds)
        {
            Tally.Add("seeds with too few calls");
        }
    }

    private void Judge(Violation? violation)
    {
        if (violation is not null && violation.Text.StartsWith("undecided", StringComparison.Ordinal))
        {
            // Too many calls of unknown outcome for the search; the true history has judged each answer by itself.
            Tally.Add("histories undecided");
        }
        else if (violation is not null)
        {
            throw new ViolationException(violation);
        }
    }

    private static StoreOptions Options(Chance chance, int number, int count) => new()
    {
        Name = $"m{number}",
        DataDir = $"m{number}",
        SnapshotCount = chance.Between(10, 300),
        CatchUpEntries = chance.Between(5, 200),
        LagBytes = chance.Pick([0, 2_000, 20_000, 1_000_000]),
        LeaseCheckpointInterval = TimeSpan.FromSeconds(chance.Pick([1, 1, 2, 300])),
        SegmentBytes = chance.Pick([16, 32, 64, 128]) * 1024,
        WatchProgressNotifyInterval = TimeSpan.FromSeconds(2),
        AutoCompactionMode = "revision",
        AutoCompactionRetention = chance.Pick(["0", "100", "500"]),
        ListenPeerUrls = [PeerUrl(number)],
        InitialAdvertisePeerUrls = [PeerUrl(number)],
        InitialCluster = string.Join(',', Enumerable.Range(1, count).Select(static i => $"m{i}={PeerUrl(i)}")),
    };

    private static string PeerUrl(int number) => $"http://10.0.0.{number}:2380";

    private void StartClients(ClientAccess access, WorkloadPlan plan)
    {
        var context = new Continuations(_simulation.Continuations) { Failed = e => _simulation.Stop("a client failed", e) };
        int id = 0;
        for (int i = 0; i < plan.Clients; i++)
        {
            Start(new ReadWriteClient(_simulation, access, () => _cluster.Members, plan, ++id).RunAsync);
        }

        for (int i = 0; i < plan.Holders; i++)
        {
            Start(new LeaseHolder(_simulation, access, () => _cluster.Members, plan, ++id).RunAsync);
        }

        for (int i = 0; i < plan.Watchers; i++)
        {
            Start(new WatchingClient(_simulation, access, _watches, () => _cluster.Members, plan, ++id).RunAsync);
        }

        Start(_ => _operator.RunAsync(_quiet.Token));

        void Start(Func<CancellationToken, Task> run) => context.Run(() => _ = ObserveAsync(run(_enough.Token)));
    }

    private async Task ObserveAsync(Task running)
    {
        try
        {
            await running;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _simulation.Stop("a client failed", e);
        }
    }
}
