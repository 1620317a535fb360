using Discovery.Raft;
using Discovery.Simulator.Disk;
using Discovery.Simulator.Report;
using Discovery.Simulator.Time;
using Discovery.Store;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;

namespace Discovery.Simulator.Cluster;

/// <summary>
/// A machine with a disk and a clock, on which the process of one member runs, dies and is started again.
/// </summary>
internal sealed class SimulatedMember
{
    private readonly Simulation _simulation;
    private readonly SimulatedCluster _cluster;

    /// <param name="cluster">Where.</param>
    /// <param name="name">What the trace calls it.</param>
    /// <param name="options">What the process is started with.</param>
    /// <param name="id">Its member's id when it was added to a running cluster; null: as its options say.</param>
    public SimulatedMember(SimulatedCluster cluster, string name, StoreOptions options, NodeId? id = null)
    {
        Simulation simulation = cluster.Simulation;
        _simulation = simulation;
        _cluster = cluster;
        Id = id ?? new NodeId(MemberIds.OfMember(options.EffectiveAdvertisePeerUrls, options.InitialClusterToken));
        Name = name;
        Options = options;
        Chance = simulation.ChanceOf($"member {name}");
        Disk = new SimulatedDisk(name, simulation.ChanceOf($"disk {name}"));
        Clock = new MemberClock(simulation.Events);
        Version = new ProgramVersion(cluster, simulation.ChanceOf($"version {name}"));
    }

    public string Name { get; }

    /// <summary>Processes that were started.</summary>
    public long Lives { get; private set; }

    public NodeId Id { get; }

    /// <summary>What the process is started with.</summary>
    public StoreOptions Options { get; set; }

    public Chance Chance { get; }

    public SimulatedDisk Disk { get; }

    public MemberClock Clock { get; }

    /// <summary>Which program it starts.</summary>
    public ProgramVersion Version { get; }

    /// <summary>The process that runs; null when none does.</summary>
    public MemberProcess? Process { get; private set; }

    /// <summary>Why the last process refused to start or ended by itself; null when it did not.</summary>
    public string? LastFailure { get; private set; }

    /// <summary>What its disk lost or changed of what it had promised to keep, and that is not made good yet.</summary>
    public DiskDamage? Damage { get; set; }

    public bool IsDamaged => Damage is not null;

    /// <summary>Whether its data is beyond repair: the member must be removed and another added.</summary>
    public bool IsLost { get; set; }

    /// <summary>Whether it has learned that it is no member any more: it does not start again.</summary>
    public bool IsRemoved { get; set; }

    /// <summary>The cluster that its data says it belongs to.</summary>
    public ulong ClusterId { get; set; }

    /// <summary>Who it is when its disk is empty and a running cluster has taken it in; null when its options say.</summary>
    public WalIdentity? Joins { get; set; }

    /// <summary>While it is false, nobody starts the process again; null when nothing holds it.</summary>
    public Func<bool>? HeldUntil { get; set; }

    public bool IsRunning => Process is not null;

    /// <summary>Starts the process, if none runs. It may end at once, when its data cannot be used.</summary>
    public void Start()
    {
        if (Process is not null || IsLost || IsRemoved)
        {
            return;
        }

        Lives++;
        LastFailure = null;
        Options = Options with { FeatureLevel = Version.Next() };
        _simulation.Trace.Add(TraceKind.Start, Name, Lives);
        Process = new MemberProcess(_cluster, this, Lives);
        Process.Open();
    }

    /// <summary>The process ends as by kill -9; with the power, the system's cache is gone too.</summary>
    public void Kill(bool losesPower, string why)
    {
        if (Process is not null)
        {
            MemberProcess ending = Process;
            Process = null;
            _simulation.Trace.Add(TraceKind.End, Name, losesPower ? 1 : 0, text: why);
            ending.End();
        }

        if (losesPower)
        {
            Disk.LosePower();
        }
        else
        {
            Disk.EndProcess();
        }
    }

    /// <summary>The process ended by itself, as it must when its disk fails.</summary>
    public void Failed(string why)
    {
        LastFailure = why;
        _simulation.Tally.Add("process ended by itself");
        Kill(losesPower: false, why);
    }
}
