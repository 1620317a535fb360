using Discovery.Catalog;

namespace Discovery.Dashboard;

/// <summary>The store's members as one survey found them.</summary>
public sealed record StoreMembers
{
    /// <summary>No survey yet.</summary>
    public static readonly StoreMembers Unknown = new();

    /// <summary>By name; the last list known when the store does not tell.</summary>
    public EquatableArray<MemberState> All { get; init; } = [];

    /// <summary>Why the list is not fresh; null when it is.</summary>
    public string? Problem { get; init; }

    /// <summary>When the survey ended; null before the first.</summary>
    public DateTimeOffset? AskedAt { get; init; }

    /// <summary>The leader that the members with the highest term agree on; null when none is known.</summary>
    public MemberState? Leader
    {
        get
        {
            ulong leader = All.Where(m => m.Problem is null && m.Term == Term).Select(static m => m.LeaderId).FirstOrDefault(static id => id != 0);
            return leader == 0 ? null : All.FirstOrDefault(m => m.Id == leader);
        }
    }

    /// <summary>The highest term that a member told; 0 when none did.</summary>
    public ulong Term => All.Where(static m => m.Problem is null).Select(static m => m.Term).DefaultIfEmpty().Max();

    /// <summary>How many answered.</summary>
    public int Answering => All.Count(static m => m.Problem is null);
}

/// <summary>One member: what the cluster says of it, and what it says of itself.</summary>
public sealed record MemberState
{
    /// <summary>The member's id in the cluster.</summary>
    public required ulong Id { get; init; }

    /// <summary>Its <c>--name</c>; empty until it has started.</summary>
    public string Name { get; init; } = "";

    /// <summary>Where clients reach it.</summary>
    public EquatableArray<string> ClientUrls { get; init; } = [];

    /// <summary>Where other members reach it.</summary>
    public EquatableArray<string> PeerUrls { get; init; } = [];

    /// <summary>Replicates, does not vote.</summary>
    public bool IsLearner { get; init; }

    /// <summary>Why it did not answer; null when it did, and only then the rest is known.</summary>
    public string? Problem { get; init; }

    /// <summary>The etcd version that it is compatible with.</summary>
    public string Version { get; init; } = "";

    /// <summary>Whom it takes for the leader; 0 = nobody.</summary>
    public ulong LeaderId { get; init; }

    /// <summary>Its Raft term.</summary>
    public ulong Term { get; init; }

    /// <summary>The last index in its log.</summary>
    public ulong RaftIndex { get; init; }

    /// <summary>The last index that it has applied.</summary>
    public ulong AppliedIndex { get; init; }

    /// <summary>Bytes of its database.</summary>
    public long DbSizeBytes { get; init; }

    /// <summary>What it complains about, such as a full disk.</summary>
    public EquatableArray<string> Errors { get; init; } = [];

    /// <summary>The name, or the id in etcd's spelling while there is none.</summary>
    public string Label => Name.Length > 0 ? Name : Id.ToString("x", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Whether it leads, by its own account.</summary>
    public bool IsLeader => Problem is null && LeaderId == Id;
}
