namespace Discovery.Dashboard;

/// <summary>Every bound of the dashboard, with its unit and its reason.</summary>
internal static class Limits
{
    /// <summary>Least time between two notices to one circuit: an eye sees no more, a burst of changes costs ten renders a second.</summary>
    public static readonly TimeSpan NoticeInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Time between two surveys of the members, while somebody looks.</summary>
    public static readonly TimeSpan SurveyInterval = TimeSpan.FromSeconds(2);

    /// <summary>How long one member may take to say how it is; a slow one is shown as such, the others are not held up.</summary>
    public static readonly TimeSpan SurveyTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Changes kept in memory for the front page; older ones are dropped.</summary>
    public const int ChangesKept = 50;

    /// <summary>Snapshots and surveys waiting for the feed's loop; when full, their senders wait.</summary>
    public const int FeedInbox = 16;

    /// <summary>Rows rendered as they are; longer lists are virtualised, so that a circuit holds what is on screen.</summary>
    public const int RowsPlain = 200;

    /// <summary>Services named on the front page as needing attention; the rest is a link.</summary>
    public const int AttentionShown = 12;

    /// <summary>Keys named on the front page whose value is not a record; the rest is a number.</summary>
    public const int UnreadableShown = 3;

    /// <summary>Instances of one service on its page; the filter reaches the others.</summary>
    public const int InstancesShown = 200;

    /// <summary>Characters of a filter in the address; the rest is ignored.</summary>
    public const int FilterLength = 200;

    /// <summary>Circuits whose browser went away, kept for its return; the oldest are dropped.</summary>
    public const int CircuitsDisconnected = 20;

    /// <summary>How long such a circuit is kept: a laptop's lid, not a night.</summary>
    public static readonly TimeSpan CircuitRetention = TimeSpan.FromMinutes(2);

    /// <summary>Connections at once, pages and WebSockets together; further ones are closed.</summary>
    public const int Connections = 1000;
}
