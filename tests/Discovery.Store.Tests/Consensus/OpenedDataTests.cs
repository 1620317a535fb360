using Discovery.Raft;
using Discovery.Store.Consensus;
using Discovery.Store.Log;
using Discovery.Store.Tests.Log;

namespace Discovery.Store.Tests.Consensus;

public sealed class OpenedDataTests
{
    private static readonly WalIdentity Joined = new(0xc1, 0x2);
    private static readonly StoreOptions Options = new() { DataDir = "memory", SegmentBytes = 16 * 1024 };

    /// <summary>Goal: whoever joins elects nobody before a leader has told it who the members are.</summary>
    [Fact]
    public void Joining_member_that_heard_of_a_term_and_crashed_still_knows_nobody()
    {
        var disk = new MemoryDisk();
        using (OpenedData first = OpenedData.Open(Options, disk, 1, Joined, static _ => Assert.Fail()))
        {
            first.Wal!.Write(new PersistBatch { HardState = new HardState(3, null, 0), Entries = [] });
        }

        using OpenedData again = OpenedData.Open(Options, disk, 2, null, static _ => Assert.Fail());
        again.Replica.Campaign();

        Assert.Equal(Membership.None, again.Replica.Raft.Membership);
        Assert.Equal(RaftRole.Follower, again.Replica.Raft.Role);
    }
}
