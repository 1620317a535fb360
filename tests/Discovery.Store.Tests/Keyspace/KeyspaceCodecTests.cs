using Discovery.EtcdApi.Messages;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Tests.Keyspace;

/// <summary>What released versions wrote: bytes that every later version must read.</summary>
public sealed class KeyspaceCodecTests
{
    /// <summary>A lease 7 of 60 s, a put of "a" = 1 with it, of "b" = 2, a compaction at 2, a deletion of "b".</summary>
    private const string Version1 =
        "01000000040000000000000002000000000000000500000000000000010000000700000000000000"
        + "3C00000000000000010E0000000A01611002180220012A0131300700010000000E0000000A016110"
        + "02180220012A01313007010000000C0000000A01621003180320012A013201000000050000000A01621804";

    [Fact]
    public void Keyspace_of_version_1_is_read_and_has_no_members()
    {
        KeyspaceState state = KeyspaceSnapshot.Restored(Convert.FromHexString(Version1));

        Assert.Equal((4, 2), (state.Revision, state.CompactedRevision));
        Assert.Equal(5UL, state.AppliedIndex);
        Assert.Equal("1", state.Publish().Range(new RangeRequest { Key = KeyspaceDriver.Bytes("a") }).Kvs.Single().Value.ToStringUtf8());
        Assert.Equal((60, 0), (state.Leases[7].GrantedTtl, state.Leases[7].RemainingTtl));
        Assert.Empty(state.Members.ById);
    }

    [Fact]
    public void Newer_keyspace_is_refused()
    {
        byte[] newer = Convert.FromHexString(Version1);
        newer[0] = 3;

        Assert.Contains("version 3", Assert.Throws<StoreDataException>(() => KeyspaceSnapshot.Restored(newer)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Time_left_of_a_lease_survives_a_snapshot()
    {
        var store = new KeyspaceDriver();
        store.Grant(7, 3600);
        store.Ok<LeaseCheckpointResponse>(CommandKind.LeaseCheckpoint, Checkpoint(400));

        Assert.Equal(400, KeyspaceSnapshot.Restored(store.View).Leases[7].TtlForNewLeader);

        store.Ok<LeaseCheckpointResponse>(CommandKind.LeaseCheckpoint, Checkpoint(0));
        Assert.Equal(3600, KeyspaceSnapshot.Restored(store.View).Leases[7].TtlForNewLeader);
        Assert.Equal(1, store.View.Revision);
    }

    private static LeaseCheckpointRequest Checkpoint(long remaining) => new()
    {
        Checkpoints = { new LeaseCheckpoint { ID = 7, RemainingTTL = remaining }, new LeaseCheckpoint { ID = 8, RemainingTTL = remaining } },
    };
}
