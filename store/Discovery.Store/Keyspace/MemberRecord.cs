using System.Collections.Immutable;
using Discovery.EtcdApi.Messages;

namespace Discovery.Store.Keyspace;

/// <summary>A member of the cluster as the log knows it.</summary>
/// <param name="Id">Above 0; never given to another once the member is gone.</param>
/// <param name="PeerUrls">Where the other members reach it, in byte order.</param>
public sealed record MemberRecord(ulong Id, ImmutableArray<string> PeerUrls)
{
    /// <summary>What it calls itself; empty until it has started for the first time.</summary>
    public string Name { get; init; } = "";

    /// <summary>What it tells clients to use; empty until it has started for the first time.</summary>
    public ImmutableArray<string> ClientUrls { get; init; } = [];

    /// <summary>Gets the log and has no vote, until somebody promotes it.</summary>
    public bool IsLearner { get; init; }

    /// <summary>
    /// Was added as a voter and has not caught up yet: inside it is a learner, so that a member that is not there cannot
    /// cost the majority; clients are shown a voter, as etcd's expect. The leader promotes it.
    /// </summary>
    public bool IsPending { get; init; }

    /// <summary>What its program can apply, by its own word (<see cref="FeatureLevels"/>); until it has started, the least.</summary>
    public uint FeatureLevel { get; init; } = FeatureLevels.Base;

    /// <summary>Whether it ever ran as this member; etcd knows it by the name, which the member itself publishes.</summary>
    public bool IsStarted => Name.Length > 0;

    /// <summary>The member of a log entry or a snapshot.</summary>
    internal static MemberRecord From(Member member, bool isPending) => new(member.ID, [.. member.PeerURLs.Order(StringComparer.Ordinal)])
    {
        Name = member.Name,
        ClientUrls = [.. member.ClientURLs],
        IsLearner = member.IsLearner,
        IsPending = isPending,
    };

    /// <summary>As clients are shown it.</summary>
    public Member ToMessage() => new()
    {
        ID = Id,
        Name = Name,
        PeerURLs = { PeerUrls },
        ClientURLs = { ClientUrls },
        IsLearner = IsLearner,
    };
}
