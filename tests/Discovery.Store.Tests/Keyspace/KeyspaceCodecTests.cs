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

    /// <summary>Member 1, "a", and member 9, which was removed.</summary>
    private const string Version2 =
        "020000000100000000000000000000000000000001000000000000000000000000000000010000000900000000000000"
        + "01000000000F00000008011201611A08687474703A2F2F7000";

    /// <summary>The same; its program has feature level 3, the cluster 2.</summary>
    private const string Version3 =
        "030000000100000000000000000000000000000001000000000000000000000000000000010000000900000000000000"
        + "0100000000030000000F00000008011201611A08687474703A2F2F700200000000";

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

    [Theory]
    [InlineData(Version2, 1, 1)]
    [InlineData(Version3, 3, 2)]
    public void Members_of_every_version_are_read(string hex, uint own, uint cluster)
    {
        MemberTable members = KeyspaceSnapshot.Restored(Convert.FromHexString(hex)).Members;

        MemberRecord member = Assert.Single(members.ById).Value;
        Assert.Equal((1UL, "a", "http://p"), (member.Id, member.Name, Assert.Single(member.PeerUrls)));
        Assert.Equal([9UL], members.Removed);
        Assert.Equal((own, cluster), (member.FeatureLevel, members.FeatureLevel));
    }

    [Fact]
    public void Keyspace_is_written_as_it_was_released() =>
        Assert.Equal(Version3, KeyspaceSnapshot.Of(KeyspaceSnapshot.Restored(Convert.FromHexString(Version3)).Publish()));

    [Fact]
    public void Newer_keyspace_is_refused()
    {
        byte[] newer = Convert.FromHexString(Version1);
        newer[0] = 4;

        Assert.Contains("version 4", Assert.Throws<StoreDataException>(() => KeyspaceSnapshot.Restored(newer)).Message, StringComparison.Ordinal);
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
