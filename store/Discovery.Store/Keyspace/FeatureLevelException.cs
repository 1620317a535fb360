namespace Discovery.Store.Keyspace;

/// <summary>The cluster has gone on to what this program is too old for.</summary>
internal sealed class FeatureLevelException(uint wanted, uint own) : StoreDataException(
    $"the cluster has feature level {wanted}, this program has {own}: all members ran a newer program once, start that again here");
