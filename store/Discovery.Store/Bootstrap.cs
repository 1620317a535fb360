using System.Collections.Immutable;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Keyspace;

namespace Discovery.Store;

/// <summary>
/// What a member with an empty data directory begins as, by its options alone: no clock, file or network is asked.
/// <list type="bullet">
/// <item>State <c>new</c>: it is one of the members that form a cluster. All of them are given the same
/// <c>--initial-cluster</c>, so all compute the same ids (<see cref="MemberIds"/>) and the same first log entry
/// (<see cref="FirstCommand"/>), without having spoken to each other.</item>
/// <item>State <c>existing</c>: it joins a cluster that was told of it (<c>member add</c>). Its id was made then, with the
/// time in it, so nobody can compute it: the member waits until the cluster's leader dials its peer URL and says "you
/// are member X of cluster C" (adoption). Until then it has no identity, votes for nobody and serves nothing.</item>
/// </list>
/// A member that formed a cluster of itself alone may be adopted too, as long as nothing was ever written to it: who
/// follows a recipe "start, then add" ends up where he wanted.
/// </summary>
public sealed record Bootstrap
{
    /// <summary>The cluster; 0 when this member joins one and does not know it yet.</summary>
    public required ulong ClusterId { get; init; }

    /// <summary>This member; 0 when it joins a cluster and does not know its id yet.</summary>
    public required ulong MemberId { get; init; }

    /// <summary>
    /// All first members, in order of their ids; empty when this member joins. Of several none has a name: the first entry
    /// must be the same to the byte everywhere, while names may differ, so each member publishes its own when it starts. A
    /// member alone has nobody to differ from.
    /// </summary>
    public required ImmutableArray<MemberRecord> Members { get; init; }

    /// <summary>Where this member is reached, as the others were told, in byte order.</summary>
    public required ImmutableArray<string> OwnPeerUrls { get; init; }

    /// <summary>Where the others are reached, in byte order; empty for a member alone.</summary>
    public required ImmutableArray<string> OtherPeerUrls { get; init; }

    /// <summary>Whether the data comes from a cluster that runs already.</summary>
    public bool IsJoining => ClusterId == 0;

    /// <summary>The first entry's command, the same on every member; only of a cluster that is formed.</summary>
    public Command FirstCommand => new(
        CommandKind.Member,
        new MemberCommand
        {
            Kind = MemberCommand.Types.Kind.Bootstrap,
            Members = { Members.Select(static member => member.ToMessage()) },
        });

    /// <summary>Computes it from options that <see cref="StoreOptions.Validate()"/> found well.</summary>
    public static Bootstrap From(StoreOptions options)
    {
        InitialCluster cluster = InitialCluster.Parse(options.InitialCluster);
        InitialMember self = cluster.Self(options)
            ?? new InitialMember(options.Name, [.. options.EffectiveAdvertisePeerUrls.Order(StringComparer.Ordinal)]);
        ImmutableArray<InitialMember> all = cluster.Members.IsEmpty ? [self] : cluster.Members;
        bool isJoining = options.InitialClusterState == "existing";
        ImmutableArray<MemberRecord> members = isJoining ? [] :
        [
            .. all
                .Select(member => new MemberRecord(MemberIds.OfMember(member.PeerUrls, options.InitialClusterToken), member.PeerUrls))
                .OrderBy(static member => member.Id),
        ];
        if (members is [MemberRecord alone])
        {
            members = [alone with { Name = options.Name, ClientUrls = [.. options.EffectiveAdvertiseClientUrls] }];
        }

        return new Bootstrap
        {
            ClusterId = isJoining ? 0 : MemberIds.OfCluster(members.Select(static member => member.Id)),
            MemberId = isJoining ? 0 : MemberIds.OfMember(self.PeerUrls, options.InitialClusterToken),
            Members = members,
            OwnPeerUrls = self.PeerUrls,
            OtherPeerUrls = [.. all.Where(member => member != self).SelectMany(static member => member.PeerUrls).Order(StringComparer.Ordinal)],
        };
    }

    /// <summary>
    /// What the flags say and the data does not know, each one line, for the log of a start with data: the flags are
    /// ignored then, as etcd does. That they are behind the data is no contradiction: compose files stay as they are.
    /// </summary>
    /// <param name="options">The flags.</param>
    /// <param name="members">The members, as the data has them.</param>
    /// <param name="self">This member's id, as the data has it.</param>
    public static IReadOnlyList<string> Contradictions(StoreOptions options, MemberTable members, ulong self)
    {
        var found = new List<string>();
        if (options.InitialAdvertisePeerUrls.Count > 0
            && members.ById.TryGetValue(self, out MemberRecord? known)
            && !known.PeerUrls.Any(url => options.InitialAdvertisePeerUrls.Any(given => PeerUrl.AreSame(url, given))))
        {
            string given = string.Join(',', options.InitialAdvertisePeerUrls);
            found.Add(
                $"--initial-advertise-peer-urls is {given}, ignored: the members know this one at {string.Join(',', known.PeerUrls)}; "
                + $"to move it: etcdctl member update {self:x} --peer-urls={given}");
        }

        InitialMember[] strangers =
        [
            .. InitialCluster.Parse(options.InitialCluster).Members.Where(member => !members.ById.Values.Any(
                other => other.PeerUrls.Any(url => member.PeerUrls.Any(given => PeerUrl.AreSame(url, given))))),
        ];
        if (strangers.Length > 0 && !members.ById.IsEmpty)
        {
            found.Add(
                $"--initial-cluster has {string.Join(", ", strangers.Select(static member => $"{member.Name}={member.PeerUrls[0]}"))}, ignored: no member is there, says the data; "
                + "to add one: etcdctl member add");
        }

        return found;
    }
}
