#if MUTANTS
using System.ComponentModel;

namespace Discovery.Raft;

/// <summary>
/// Errors planted on purpose, one at a time: those that others made, and those that the papers warn of. The simulator must
/// find each of them, or it would not find them if they were made here. Only in the build configuration Mutants.
/// </summary>
internal enum RaftMutant
{
    None,

    [Description("a vote is given before it is on disk; forgotten in a crash it elects two leaders (Raft §5.2)")]
    VoteBeforeSync,

    [Description("two votes in one term (Raft §5.2)")]
    VoteTwice,

    [Description("a vote for a log older than the own (Raft §5.4.1)")]
    VoteForOlderLog,

    [Description("an entry of an older term is committed by counting (Raft §5.4.2, figure 8)")]
    CommitOfOlderTerm,

    [Description("a follower acknowledges what is not on its disk (Raft §5.3)")]
    AcknowledgeBeforeSync,

    [Description("a leader counts its own copy before it is on disk; alone it answers at once (etcd #14370)")]
    OwnCopyBeforeSync,

    [Description("a read is confirmed without asking whether the leader still leads (Raft §8; etcd 0.4 by Jepsen)")]
    ReadWithoutRound,

    [Description("a leader answers reads before its first entry is committed (Raft §8)")]
    ReadBeforeNoOp,

    [Description("entries that contradict the leader's are kept (Raft §5.3)")]
    KeepConflictingEntries,

    [Description("a heartbeat tells a commit index beyond what the follower shares (Raft §5.3)")]
    CommitInHeartbeat,

    [Description("the new majority decides alone while voters change (Raft §6)")]
    JointByNewMajority,

    [Description("voters change at once, without a time in which both majorities decide (Raft §6)")]
    NoJointChange,

    [Description("a membership stays although its entry was replaced (Raft §6)")]
    MembershipNotRolledBack,

    [Description("a snapshot is taken over without its members (Raft §7)")]
    RestoreWithoutMembers,

    [Description("no pre-vote: who was cut off comes back with a higher term and deposes the leader (Raft thesis §9.6)")]
    NoPreVote,

    [Description("no check-quorum: a leader that is cut off leads for ever (Raft thesis §6.2)")]
    NoCheckQuorum,

    [Description("a member whose disk lost what it acknowledged goes on voting (PAR, FAST'18)")]
    DamagedMemberVotes,
}

/// <summary>Which one is planted.</summary>
internal static class RaftMutants
{
    /// <summary>Set once, before the first node is made.</summary>
    public static RaftMutant Planted { get; set; }

    public static bool IsPlanted(this RaftMutant mutant) => mutant == Planted;
}
#endif
