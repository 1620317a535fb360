using Discovery.Catalog;
using Discovery.EtcdApi.Messages;

namespace Discovery.Testing;

/// <summary>
/// A store of several members, each a process of its own on free ports and a temporary folder, ours or Debian's etcd. Members can
/// be killed, suspended, wiped and started again, and new ones added.
/// </summary>
public sealed class RunningCluster : IAsyncDisposable
{
    private readonly TempDirectory _folder = new();
    private readonly ClusterOptions _options;
    private readonly List<RunningMember> _members = [];

    private RunningCluster(ClusterOptions options) => _options = options;

    /// <summary>The members, m1 first, ended ones included.</summary>
    public IReadOnlyList<RunningMember> Members => _members;

    /// <summary>Where clients reach each member.</summary>
    public IEnumerable<Uri> Endpoints => _members.Select(static m => m.ClientUrl);

    /// <summary>What <c>--initial-cluster</c> says of all members.</summary>
    public string InitialCluster => string.Join(',', _members.Select(static m => m.ClusterEntry));

    /// <summary>What every member printed last.</summary>
    public string Tail => string.Join('\n', _members.Select(static m => m.Tail));

    /// <summary>Starts the members together, as one new cluster, and waits until they have a leader.</summary>
    public static async Task<RunningCluster> StartAsync(ClusterOptions options)
    {
        RunningCluster cluster = WithoutMembers(options);
        try
        {
            for (int i = 1; i <= options.Members; i++)
            {
                cluster.NewMember($"m{i}");
            }

            string[] formation = ["--initial-cluster", cluster.InitialCluster, "--initial-cluster-token", "tests", "--initial-cluster-state", "new"];
            foreach (RunningMember member in cluster._members)
            {
                member.Start(formation);
            }

            await cluster.LeaderAsync();

            // Two of three elect a leader; the third may not listen yet.
            foreach (RunningMember member in cluster._members)
            {
                await member.AnswersAsync();
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>A cluster that is formed by hand: add members by <see cref="NewMember"/> and start them.</summary>
    public static RunningCluster WithoutMembers(ClusterOptions options) => new(options);

    /// <summary>A member with addresses and an empty data folder, not started yet.</summary>
    public RunningMember NewMember(string name)
    {
        string data = _options.DataFolders.GetValueOrDefault(name) ?? _folder[$"{name}-{_members.Count}"];
        var member = new RunningMember(_options, name, _options.Network?.Hosts[_members.Count], data);
        _members.Add(member);
        return member;
    }

    /// <summary>
    /// Waits for the leader: who says so of itself in the highest term that any member knows. A leader that was cut off may
    /// say it too, but in an older term.
    /// </summary>
    public async Task<RunningMember> LeaderAsync()
    {
        RunningMember? leader = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                if (_members.All(static m => !m.IsRunning))
                {
                    throw new ProcessEndedException(Tail);
                }

                (RunningMember Member, StatusResponse Status)[] known = await StatusesAsync();
                ulong term = known.Max(static k => k.Status.RaftTerm);
                leader = known.FirstOrDefault(k => k.Status.RaftTerm == term && k.Status.Leader == k.Status.Header.MemberId).Member;
                return leader is not null;
            },
            saw: () => Tail,
            what: "the members have a leader");
        return leader!;
    }

    /// <summary>The members that run and do not lead.</summary>
    public async Task<IReadOnlyList<RunningMember>> FollowersAsync()
    {
        RunningMember leader = await LeaderAsync();
        return [.. _members.Where(m => m != leader && m.IsRunning && !m.IsSuspended)];
    }

    /// <summary>Waits until every running member has applied what the leader has now.</summary>
    public async Task CaughtUpAsync(TimeSpan? within = null)
    {
        RunningMember leader = await LeaderAsync();
        await Task.WhenAll(_members.Where(static m => m.IsRunning).Select(m => m.CaughtUpAsync(leader, within)));
    }

    /// <summary>A client as the programs make it, of all members.</summary>
    public StoreClient NewClient() => new(StoreAddress.Parse($"etcd://{string.Join(',', Endpoints.Select(static e => e.Authority))}"));

    /// <summary>Writes what every member printed into files, for whoever looks into a failed test.</summary>
    /// <param name="folder">Made if it does not exist.</param>
    public void SaveLogs(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (RunningMember member in _members)
        {
            File.WriteAllText(Path.Combine(folder, $"{member.Name}.log"), member.Log);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (RunningMember member in _members)
        {
            await member.DisposeAsync();
        }

        _folder.Dispose();
    }

    private async Task<(RunningMember Member, StatusResponse Status)[]> StatusesAsync()
    {
        (RunningMember, StatusResponse?)[] all = await Task.WhenAll(_members.Select(static async m => (m, await m.TryStatusAsync())));
        return [.. all.Where(static a => a.Item2 is not null).Select(static a => (a.Item1, a.Item2!))];
    }
}
