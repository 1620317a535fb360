using Discovery.Catalog;

namespace Discovery.Dashboard.Views;

/// <summary>How it stands with the store.</summary>
public enum StoreCondition
{
    /// <summary>Nothing was read yet.</summary>
    Connecting,

    /// <summary>It answers and has a leader.</summary>
    Connected,

    /// <summary>Members answer, none of them knows a leader: nothing can be written or read for certain.</summary>
    NoLeader,

    /// <summary>It does not answer; what is shown is the last catalog.</summary>
    Away,
}

/// <summary>The store's health in one line.</summary>
public sealed record StoreLine
{
    /// <summary>The one word.</summary>
    public required StoreCondition Condition { get; init; }

    /// <summary>As health, for colour and icon.</summary>
    public Health Health => Condition switch
    {
        StoreCondition.Connected => Members.Any(static m => m.Problem is not null || m.Errors.Count > 0) ? Health.Warning : Health.Passing,
        StoreCondition.Connecting => Health.Starting,
        _ => Health.Critical,
    };

    /// <summary>The condition, to be read by people.</summary>
    public string Text => Condition switch
    {
        StoreCondition.Connected => "Connected",
        StoreCondition.Connecting => "Connecting",
        StoreCondition.NoLeader => "No leader",
        _ => "Away",
    };

    /// <summary>Why; null while all is well.</summary>
    public string? Problem { get; init; }

    /// <summary>Since when it answers, or does not.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>The leader's name; null while none is known.</summary>
    public string? Leader { get; init; }

    /// <summary>The Raft term; 0 while none is known.</summary>
    public ulong Term { get; init; }

    /// <summary>Members that answer.</summary>
    public int Answering { get; init; }

    /// <summary>All members.</summary>
    public EquatableArray<MemberState> Members { get; init; } = [];

    /// <summary>The store's revision that is shown.</summary>
    public long Revision { get; init; }

    /// <summary>Made of the connection and the last survey.</summary>
    public static StoreLine From(FeedState feed)
    {
        CatalogSnapshot catalog = feed.Catalog;
        StoreMembers members = feed.Members;
        bool leaderless = catalog.Connected && members.Answering > 0 && members.Leader is null;
        return new()
        {
            Condition = leaderless ? StoreCondition.NoLeader
                : catalog.Connected ? StoreCondition.Connected
                : feed.HasCatalog || catalog.Problem is not null ? StoreCondition.Away
                : StoreCondition.Connecting,
            Problem = leaderless ? "its members know no leader; a majority of them must be up and reach one another" : catalog.Problem,
            Since = catalog.Since,
            Leader = members.Leader?.Label,
            Term = members.Term,
            Answering = members.Answering,
            Members = members.All,
            Revision = catalog.Revision,
        };
    }
}
