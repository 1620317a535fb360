namespace Discovery.Simulator.Cluster;

/// <summary>What a member does to the world: the moments at which a crash finds errors of order.</summary>
internal enum Effect
{
    BeforeSend,
    AfterSend,

    /// <summary>A batch is to be written; nothing of it is.</summary>
    PersistDue,

    /// <summary>A batch is durable, and the member does not know it yet.</summary>
    Persisted,

    /// <summary>A batch is applied; nobody was told.</summary>
    ViewChanged,

    /// <summary>A batch is applied and answered.</summary>
    TurnEnded,

    /// <summary>A snapshot is to be written.</summary>
    SnapshotDue,

    /// <summary>A snapshot is durable, and the member does not know it yet.</summary>
    SnapshotSaved,
}
