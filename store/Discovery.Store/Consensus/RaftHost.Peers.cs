using System.Collections.Immutable;
using Discovery.EtcdApi;
using Discovery.Raft;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;
using Discovery.Store.Peers;
using Microsoft.Extensions.Logging;

namespace Discovery.Store.Consensus;

/// <summary>The other members: who they are, how they are reached, and how this one becomes a member of their cluster.</summary>
public sealed partial class RaftHost
{
    private volatile PeerNetwork? _network;
    private (MemberTable Members, bool Leads) _followed = (MemberTable.Empty, false);
    private ulong _knownLeader;
    private long _leaderChanges;
    private bool _isBecoming;
    private TimeSpan? _endsAt;

    /// <summary>Where peers are served, with the ports that port 0 became; none when nobody can join.</summary>
    public IReadOnlyList<string> PeerUrls => _network?.Urls ?? [];

    /// <summary>
    /// Hands the lead to another member, and returns once this member follows it; null then, else why not. Only the
    /// leader can: any other answers <see cref="EtcdError.NotLeader"/>.
    /// </summary>
    public ValueTask<EtcdError?> MoveLeaderAsync(ulong target, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var handover = new Handover(target);
        Enter(handover);
        return handover.Answer;
    }

    /// <summary>How often another leader was seen than before, the first included; for metrics.</summary>
    internal long LeaderChanges { get => Interlocked.Read(ref _leaderChanges); private set => Interlocked.Exchange(ref _leaderChanges, value); }

    /// <summary>How each peer is reached, for metrics.</summary>
    internal IReadOnlyList<PeerStatus> PeerStatuses => _network?.Peers ?? [];

    /// <exception cref="StoreStartException">A peer URL cannot be listened on.</exception>
    private void OpenNetwork()
    {
        StoreStatus status = Status;
        var own = new PeerIdentity(
            status.ClusterId,
            new NodeId(status.MemberId),
            [.. _options.EffectiveAdvertisePeerUrls],
            PeerIdentity.HashToken(_options.InitialClusterToken))
        {
            FeatureLevel = _options.FeatureLevel,
        };
        var handlers = new PeerHandlers
        {
            Received = _inbox.Add,
            Unreachable = (id, trouble) => Done(() => ReportUnreachable(id, trouble)),
            Expelled = (code, what) => Done(() => throw (code == RefusalCode.Forgetful
                ? MemberExpelledException.Forgetful(status.MemberId, what)
                : MemberExpelledException.Removed(what))),
            Answered = (id, isUntouched) => Done(() => _formation?.Answered(id, isUntouched)),
            IsForming = () => Replica.IsHeldBack,
            IsUntouched = () => Status.Term == RestoredState.FormationTerm,
            HasStarted = id => _published.Contains(id) || (View.Members.ById.TryGetValue(id.Value, out MemberRecord? member) && member.IsStarted),
            IsRemoved = id => View.Members.Removed.Contains(id.Value),
            IsAwaited = IsAwaited,
            Adopt = Adopt,
        };
        try
        {
            _network = new PeerNetwork(own, _options.ListenPeerUrls, handlers, _log, _time);
        }
        catch (StoreStartException e) when (_options.MayLackPeers)
        {
            // Nobody asked for peers: a second store on this machine must not fail over a port that it does not need.
            LogNoPeers(_log, e.Message);
            return;
        }

        _followed = (MemberTable.Empty, false);
        _network.Start();
    }

    private async Task CloseNetworkAsync()
    {
        PeerNetwork? network = _network;
        _network = null;
        if (network is not null)
        {
            await network.DisposeAsync();
        }
    }

    private bool IsAwaited(ImmutableArray<string> urls) =>
        _options.InitialClusterState == "existing"
        && Bootstrap.From(_options).OtherPeerUrls.Any(known => urls.Any(url => PeerUrl.AreSame(known, url)));

    /// <summary>On a thread of the network: null takes the offer.</summary>
    private string? Adopt(AdoptionOffer offer)
    {
        if (!IsPristine)
        {
            return "this node has data or a cluster of its own; to make it a member, stop it, delete its data directory and start it with --initial-cluster-state existing";
        }

        Done(() => Become(offer));
        return null;
    }

    /// <summary>
    /// Whether nothing would be lost if this node became a member of another cluster: it is in none, or in one that it
    /// formed alone and nobody wrote to.
    /// </summary>
    private bool IsPristine
    {
        get
        {
            KeyspaceView view = View;
            return Status.ClusterId == 0
                || (_options.IsAlone && view.Revision == 1 && view.Leases.IsEmpty && view.Members.ById.Count <= 1 && view.Members.Removed.IsEmpty);
        }
    }

    /// <summary>Starts anew as a member of the cluster that asked for it. What was there is nothing.</summary>
    private void Become(AdoptionOffer offer)
    {
        if (!IsPristine || _isBecoming)
        {
            return;
        }

        // The ports must be free again before this node can listen under its new name.
        _isBecoming = true;
        _background = BecomeAsync(_background, offer);
    }

    private async Task BecomeAsync(Task before, AdoptionOffer offer)
    {
        await before;
        await CloseNetworkAsync();
        Done(() => BecomeWhenWritten(offer));
    }

    private void BecomeWhenWritten(AdoptionOffer offer)
    {
        if (!_logThread.IsIdle)
        {
            // A batch of the member that this node was is on its way to the files that are to go.
            _logThread.Run(() => Done(() => BecomeWhenWritten(offer)));
            return;
        }

        _isBecoming = false;
        if (IsPristine)
        {
            Replica.FailAll(EtcdError.LeaderChanged);
            _data.Dispose();
            OpenedData.Wipe(_disk);
            var identity = new WalIdentity(offer.ClusterId, offer.Member.Value);
            Serve(OpenedData.Open(_options, _disk, NewInstance(), identity, damage => LogSnapshotDamaged(_log, damage.Message)));
            LogAdopted(_log, $"{offer.Member}", offer.ClusterId, $"{offer.From}");
        }

        OpenNetwork();
    }

    private void ReportUnreachable(NodeId id, PeerTrouble trouble)
    {
        // Only a broken or refused connection says that its process may be dead; to a follower anything else says that
        // this side has too much to send, or never knew the way.
        if (trouble is PeerTrouble.Lost or PeerTrouble.DialRefused || Replica.Raft.Role == RaftRole.Leader)
        {
            Replica.ReportUnreachable(id);
        }
    }

    /// <summary>What follows from a turn: who the peers are, who leads, whether this one is still a member.</summary>
    private void FollowCluster()
    {
        StoreStatus status = Status;
        MemberTable members = View.Members;
        bool leads = status.Leader == status.MemberId && status.MemberId != 0;
        if (status.Leader != _knownLeader)
        {
            _knownLeader = status.Leader;
            LeaderChanges += status.Leader != 0 ? 1 : 0;
            LogLeader(_log, status.Leader == 0 ? "nobody" : $"{status.Leader:x}", status.Term);
        }

        if (members.Removed.Contains(status.MemberId))
        {
            // Not at once: the others are being told that it is decided, and who leads next if it was this one.
            _endsAt ??= Now + _options.HeartbeatInterval;
            if (Now >= _endsAt)
            {
                throw MemberExpelledException.Removed($"it is {status.MemberId:x}, no member of cluster {status.ClusterId:x} any more");
            }

            return;
        }

        if (_network is not null && (!ReferenceEquals(members, _followed.Members) || leads != _followed.Leads))
        {
            _followed = (members, leads);
            _network.SetPeers(
            [
                .. members.ById.Values.Select(member => new PeerAddress(new NodeId(member.Id), member.PeerUrls)
                {
                    // It may not know yet that it is a member; the leader tells it.
                    IsPending = leads && !member.IsStarted,
                }),
            ]);
            if (members.Removed.Contains(status.Leader))
            {
                // It goes, and its connection with it: nobody else would tell that it is not to be waited for.
                Replica.ReportUnreachable(new NodeId(status.Leader));
            }
        }
    }

    /// <summary>A stop must not cost the others an election timeout.</summary>
    private async Task HandOverAsync()
    {
        StoreStatus status = Status;
        if (status.Leader == status.MemberId && !Completion.IsCompleted)
        {
            Task handedOver = MoveLeaderAsync(Handover.ToBest, CancellationToken.None).AsTask();
            await Task.WhenAny(handedOver, Completion, Task.Delay(_options.ElectionTimeout, _time));
        }
    }

    [LoggerMessage(1031, LogLevel.Information, "The leader is {Leader}, in term {Term}.")]
    private static partial void LogLeader(ILogger logger, string leader, ulong term);

    [LoggerMessage(1032, LogLevel.Information, "This node becomes member {Member} of cluster {Cluster:x}: member {From}, its leader, asked for it.")]
    private static partial void LogAdopted(ILogger logger, string member, ulong cluster, string from);

    [LoggerMessage(1033, LogLevel.Warning, "No other member can join this one: {What}. Give --listen-peer-urls another URL if one shall.")]
    private static partial void LogNoPeers(ILogger logger, string what);
}
