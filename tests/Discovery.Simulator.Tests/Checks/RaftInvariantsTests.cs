using Discovery.Raft;
using Discovery.Simulator.Checks;
using static Discovery.Simulator.Tests.Checks.RaftScript;

namespace Discovery.Simulator.Tests.Checks;

/// <summary>A healthy run passes; each wrong one breaks one rule and is reported under its name.</summary>
public sealed class RaftInvariantsTests
{
    private readonly RaftScript _script = Elected();

    [Fact]
    public void Healthy_run_with_a_change_of_leader_passes()
    {
        _script.Sends(1, MessageKind.Append, 2, 2);
        _script.Sends(2, MessageKind.AppendResponse, 1, 2, new(2, 2));
        _script.Writes(1, 2, Command(2, 3, "lost"));
        _script.Vote(2, 3, 2);
        _script.Vote(3, 3, 2);
        _script.Sends(3, MessageKind.VoteResponse, 2, 3);
        _script.Says(2, RaftRole.Leader, 3, last: new(3, 3), commit: 2);
        _script.Writes(2, 3, NoOp(3, 3));
        _script.Writes(3, 3, NoOp(2, 2), NoOp(3, 3));
        _script.Says(2, RaftRole.Leader, 3, last: new(3, 3), commit: 3, applied: 3);
        _script.Writes(1, 3, NoOp(3, 3));
        _script.Says(1, RaftRole.Follower, 3, last: new(3, 3), commit: 3, applied: 3);
        _script.Restart(1, NoOp(2, 2), NoOp(3, 3));
        _script.Says(1, RaftRole.Follower, 3, last: new(3, 3), commit: 3, applied: 3);

        Assert.Equal(3ul, _script.Checks.CommittedIndex);
    }

    [Fact]
    public void Violation_says_where_the_run_stood()
    {
        var e = Assert.Throws<ViolationException>(() => _script.Says(2, RaftRole.Leader, 2, new(2, 2), 1));

        Assert.Equal((7, TimeSpan.FromSeconds(1)), (e.Violation.Step, e.Violation.Time));
    }

    [Fact]
    public void Two_leaders_of_one_term_are_found() =>
        AssertBroken("election safety", () => _script.Says(2, RaftRole.Leader, 2, new(2, 2), 1));

    [Fact]
    public void Second_leader_is_found_by_what_it_sends() =>
        AssertBroken("election safety", () => _script.Sends(3, MessageKind.Append, 2, 2));

    [Fact]
    public void Leader_that_shortens_its_log_is_found() =>
        AssertBroken("leader append-only", () => _script.Says(1, RaftRole.Leader, 2, new(1, 1), 2));

    [Fact]
    public void Leader_that_replaces_its_own_entry_on_disk_is_found()
    {
        _script.Writes(1, 2, Command(2, 3));

        AssertBroken("leader append-only", () => _script.Writes(1, 2, Command(2, 3)));
    }

    [Fact]
    public void One_id_with_two_contents_is_found()
    {
        _script.Writes(1, 2, Command(2, 3, "one"));
        _script.Writes(2, 2, Command(2, 3, "one"));

        AssertBroken("log matching", () => _script.Writes(3, 2, NoOp(2, 2), Command(2, 3, "other")));
    }

    [Fact]
    public void One_id_after_two_histories_is_found()
    {
        _script.Vote(2, 3, 2);
        _script.Writes(2, 3, Command(3, 3), Command(3, 4));
        _script.Writes(1, 3, Command(2, 3));

        AssertBroken("log matching", () => _script.Writes(1, 3, Command(3, 4)));
    }

    [Fact]
    public void Terms_that_fall_along_a_log_are_found()
    {
        _script.Writes(2, 3, Command(3, 3));

        AssertBroken("log matching", () => _script.Writes(2, 3, Command(2, 4)));
    }

    [Fact]
    public void Gap_in_a_log_is_found() => AssertBroken("log without gaps", () => _script.Writes(3, 2, Command(2, 3)));

    [Fact]
    public void Leader_elected_without_a_committed_entry_is_found()
    {
        _script.Vote(3, 3, 3);

        AssertBroken("leader completeness", () => _script.Writes(3, 3, NoOp(3, 2)));
    }

    [Fact]
    public void Leader_elected_without_an_entry_that_turns_out_to_be_committed_is_found()
    {
        _script.Writes(1, 2, Command(2, 3));
        _script.Vote(3, 3, 3);
        _script.Writes(3, 3, NoOp(2, 2), NoOp(3, 3));
        _script.Writes(2, 2, Command(2, 3));

        AssertBroken("leader completeness", () => _script.Says(1, RaftRole.Leader, 2, new(2, 3), 3));
    }

    [Fact]
    public void Another_entry_applied_at_an_index_is_found()
    {
        CommitInTermThree();

        AssertBroken("state machine safety", () => _script.Says(1, RaftRole.Follower, 3, new(2, 3), 3, applied: 3));
    }

    [Fact]
    public void What_was_applied_before_it_was_durable_is_compared_when_it_is()
    {
        CommitInTermThree();
        _script.Says(1, RaftRole.Follower, 3, new(2, 3), 3, applied: 3, persisted: 2);

        AssertBroken("state machine safety", () => _script.Says(1, RaftRole.Follower, 3, new(2, 3), 3));
    }

    [Fact]
    public void Commit_without_a_majority_of_disks_is_found()
    {
        _script.Writes(1, 2, Command(2, 3));

        AssertBroken("commits are durable first", () => _script.Says(1, RaftRole.Leader, 2, new(2, 3), 3));
    }

    /// <summary>Goal: a single member that answers before its disk has it (etcd issue 14370); how: it says so when it publishes.</summary>
    [Fact]
    public void Commit_of_a_single_member_before_it_is_durable_is_found()
    {
        var single = new RaftScript(members: 1);
        single.Vote(1, 2, 1);
        single.Says(1, RaftRole.Leader, 2, new(2, 2), 1);

        AssertBroken("commits are durable first", () => single.Says(1, RaftRole.Leader, 2, new(2, 2), 2, applied: 2, persisted: 1));
    }

    [Fact]
    public void Commit_that_only_a_follower_tells_of_is_checked_too()
    {
        _script.Writes(2, 2, Command(2, 3));

        AssertBroken("commits are durable first", () => _script.Says(2, RaftRole.Follower, 2, new(2, 3), 3));
    }

    /// <summary>Goal: Raft's figure 8; an entry of an older term is not committed by being counted.</summary>
    [Fact]
    public void Entry_of_an_older_term_is_not_committed_by_counting_it()
    {
        _script.Writes(1, 2, Command(2, 3));
        _script.Vote(1, 4, 1);
        _script.Says(1, RaftRole.Leader, 4, new(4, 4), 2);
        _script.Writes(1, 4, NoOp(4, 4));
        _script.Writes(2, 4, Command(2, 3));

        AssertBroken("commits are durable first", () => _script.Says(1, RaftRole.Leader, 4, new(4, 4), 3));
    }

    [Fact]
    public void Commit_needs_both_majorities_while_voters_change()
    {
        var joint = new Membership([new(1), new(4), new(5)], outgoing: Three.Voters);
        _script.Writes(1, 2, Change(2, 3, joint));
        _script.Writes(2, 2, Change(2, 3, joint));

        AssertBroken("commits are durable first", () => _script.Says(1, RaftRole.Leader, 2, new(2, 3), 3, membership: joint));
    }

    [Fact]
    public void What_a_member_lost_still_counts_while_it_may_not_vote()
    {
        _script.Writes(1, 2, Command(2, 3));
        _script.Writes(2, 2, Command(2, 3));
        _script.Start(2, Damaged());

        _script.Says(1, RaftRole.Leader, 2, new(2, 3), 3);
    }

    [Fact]
    public void Recovery_that_ends_without_what_was_committed_is_found()
    {
        _script.Start(2, Damaged());

        AssertBroken("recovery ends with everything back", () => _script.Persist(2, new HardState(2, new NodeId(1), 1)));
    }

    [Fact]
    public void Recovery_that_ends_with_everything_back_passes()
    {
        _script.Start(2, Damaged());
        _script.Writes(2, 2, NoOp(2, 2));

        _script.Persist(2, new HardState(2, new NodeId(1), 2));
        _script.Sends(2, MessageKind.VoteResponse, 1, 2);
    }

    [Fact]
    public void Committed_entry_that_is_replaced_is_found() =>
        AssertBroken("committed entries stay", () => _script.Writes(2, 3, Command(3, 2)));

    [Fact]
    public void Commit_that_goes_back_is_found() =>
        AssertBroken("commits never go back", () => _script.Says(1, RaftRole.Leader, 2, new(2, 2), 1));

    [Fact]
    public void Applied_beyond_the_commit_is_found() =>
        AssertBroken("commits exist before they are applied", () => _script.Says(1, RaftRole.Leader, 2, new(2, 3), 2, applied: 3));

    [Fact]
    public void Term_that_goes_back_on_disk_is_found() =>
        AssertBroken("terms never go back", () => _script.Persist(1, new HardState(1, null, 1)));

    [Fact]
    public void Term_that_goes_back_in_memory_is_found() =>
        AssertBroken("terms never go back", () => _script.Says(1, RaftRole.Follower, 1, new(2, 2), 2));

    [Fact]
    public void Second_vote_of_a_term_is_found() =>
        AssertBroken("one vote a term", () => _script.Vote(2, 2, 3));

    [Fact]
    public void Forgotten_vote_is_found() =>
        AssertBroken("one vote a term", () => _script.Persist(2, new HardState(2, null, 1)));

    [Fact]
    public void Vote_changed_in_memory_is_found() =>
        AssertBroken("one vote a term", () => _script.Says(1, RaftRole.Leader, 2, new(2, 2), 2, votedFor: 3));

    [Fact]
    public void Vote_sent_before_it_is_durable_is_found() =>
        AssertBroken("votes are durable first", () => _script.Sends(3, MessageKind.VoteResponse, 1, 2));

    [Fact]
    public void Vote_of_a_member_that_lost_entries_is_found()
    {
        _script.Start(2, Damaged());

        AssertBroken("votes are durable first", () => _script.Sends(2, MessageKind.VoteResponse, 1, 2));
    }

    [Fact]
    public void Candidate_asks_for_votes_only_with_its_own_on_disk() =>
        AssertBroken("votes are durable first", () => _script.Sends(3, MessageKind.VoteRequest, 1, 3));

    [Fact]
    public void Acknowledgement_sent_before_the_entry_is_durable_is_found()
    {
        _script.Writes(1, 2, Command(2, 3));

        AssertBroken("acknowledgements are durable first", () => _script.Sends(2, MessageKind.AppendResponse, 1, 2, new(2, 3)));
    }

    [Fact]
    public void Acknowledgement_in_a_term_that_is_not_durable_is_found() =>
        AssertBroken("acknowledgements are durable first", () => _script.Sends(2, MessageKind.AppendResponse, 1, 3, new(2, 2)));

    [Fact]
    public void Restart_without_a_durable_entry_is_found() =>
        AssertBroken("durable state survives", () => _script.Restart(1));

    [Fact]
    public void Restart_with_another_entry_than_was_durable_is_found() =>
        AssertBroken("durable state survives", () => _script.Restart(1, Command(2, 2)));

    [Fact]
    public void Restart_with_an_entry_that_was_never_written_is_found() =>
        AssertBroken("durable state survives", () => _script.Restart(1, NoOp(2, 2), Command(2, 3)));

    [Fact]
    public void Restart_that_forgot_its_vote_is_found() => AssertBroken(
        "durable state survives",
        () => _script.Start(2, new RestoredState(new HardState(2, null, 1), default, Membership.None, [Change(1, 1, Three), NoOp(2, 2)])));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Batch_that_was_being_written_at_a_crash_is_there_or_not(bool whole)
    {
        _script.Checks.PersistDue(new(1), Batch(new HardState(2, new NodeId(1), 2), Command(2, 3), Command(2, 4)));

        _script.Restart(1, whole ? [NoOp(2, 2), Command(2, 3), Command(2, 4)] : [NoOp(2, 2)]);
    }

    [Fact]
    public void Half_of_the_batch_that_was_being_written_is_found()
    {
        _script.Checks.PersistDue(new(1), Batch(new HardState(2, new NodeId(1), 2), Command(2, 3), Command(2, 4)));

        AssertBroken("durable state survives", () => _script.Restart(1, NoOp(2, 2), Command(2, 3)));
    }

    [Fact]
    public void Restart_from_an_own_snapshot_is_fine()
    {
        _script.Start(1, new RestoredState(new HardState(2, new NodeId(1), 2), new(2, 2), Three, []));

        _script.Writes(1, 2, Command(2, 3));
    }

    [Fact]
    public void Snapshot_of_what_is_not_committed_is_found() => AssertBroken(
        "snapshots are committed",
        () => _script.Start(1, new RestoredState(new HardState(2, new NodeId(1), 2), new(2, 3), Three, [])));

    [Fact]
    public void Installed_snapshot_of_what_is_not_committed_is_found() => AssertBroken(
        "snapshots are committed",
        () => _script.Checks.Persisted(new(3), Batch(new HardState(2, null, 1)) with { Snapshot = new(2, 5) }));

    [Fact]
    public void Installed_snapshot_stands_for_the_log_before_it()
    {
        _script.Writes(3, 2);
        _script.Checks.SnapshotDurable(new(3), new(2, 2));
        _script.Sends(3, MessageKind.AppendResponse, 1, 2, new(2, 2));
        _script.Checks.Persisted(new(3), Batch(new HardState(2, null, 1)) with { Snapshot = new(2, 2) });
        _script.Writes(1, 2, Command(2, 3));
        _script.Writes(3, 2, Command(2, 3));

        _script.Says(1, RaftRole.Leader, 2, new(2, 3), 3);
        _script.Says(3, RaftRole.Follower, 2, new(2, 3), 3, applied: 3);
    }

    [Fact]
    public void Start_with_the_id_of_a_lost_disk_is_found()
    {
        _script.Checks.Wiped(new(3));

        AssertBroken("ids are never reused", () => _script.Start(3, RestoredState.Fresh));
    }

    [Fact]
    public void Taking_in_the_id_of_a_lost_disk_is_found()
    {
        _script.Start(9, RestoredState.Fresh);
        _script.Checks.Wiped(new(9));

        AssertBroken("ids are never reused", () => _script.Writes(1, 2, Change(2, 3, new Membership(Three.Voters, learners: [new(9)]))));
    }

    [Fact]
    public void Return_of_an_id_that_left_is_found()
    {
        var four = new Membership(Three.Voters, learners: [new(4)]);
        Entry[] changes = [Change(2, 3, four), Change(2, 4, Three), Change(2, 5, four)];
        _script.Writes(1, 2, changes);
        _script.Writes(2, 2, changes);

        AssertBroken("ids are never reused", () => _script.Says(1, RaftRole.Leader, 2, new(2, 5), 5, applied: 5, membership: four));
    }

    [Fact]
    public void A_membership_that_the_log_does_not_say_is_found()
    {
        var four = new Membership(Three.Voters, learners: [new(4)]);
        _script.Writes(1, 2, Change(2, 3, four));

        AssertBroken("membership as the log says", () => _script.Says(1, RaftRole.Leader, 2, new(2, 3), 2, membership: Three));
    }

    [Fact]
    public void A_membership_that_stays_when_its_entry_is_replaced_is_found()
    {
        var four = new Membership(Three.Voters, learners: [new(4)]);
        _script.Writes(3, 2, NoOp(2, 2), Change(2, 3, four));
        _script.Says(3, RaftRole.Follower, 2, new(2, 3), 2, membership: four);
        _script.Writes(3, 3, NoOp(3, 3));

        AssertBroken("membership as the log says", () => _script.Says(3, RaftRole.Follower, 3, new(3, 3), 2, membership: four));
    }

    [Theory]
    [InlineData("1 2")]
    [InlineData("1 2 3 4")]
    [InlineData("4 5 6")]
    public void Voters_that_change_without_a_joint_membership_are_found(string voters)
    {
        var next = new Membership(voters.Split(' ').Select(id => new NodeId(ulong.Parse(id, null))));

        AssertBroken("quorums overlap", () => _script.Writes(1, 2, Change(2, 3, next)));
    }

    [Fact]
    public void Joint_membership_that_forgets_an_old_voter_is_found()
    {
        var next = new Membership([new(1), new(2), new(4)], outgoing: [new(1), new(2)]);

        AssertBroken("quorums overlap", () => _script.Writes(1, 2, Change(2, 3, next)));
    }

    [Fact]
    public void Second_batch_before_the_first_is_durable_is_found()
    {
        _script.Checks.PersistDue(new(1), Batch(new HardState(2, new NodeId(1), 1)));

        AssertBroken("one write at a time", () => _script.Checks.PersistDue(new(1), Batch(new HardState(2, new NodeId(1), 2))));
    }

    /// <summary>Member 1 has written 2.3 alone; member 2 leads term 3 without it, and 3.3 is committed and applied.</summary>
    private void CommitInTermThree()
    {
        _script.Writes(1, 2, Command(2, 3));
        _script.Vote(2, 3, 2);
        _script.Writes(2, 3, NoOp(3, 3));
        _script.Writes(3, 3, NoOp(2, 2), NoOp(3, 3));
        _script.Says(2, RaftRole.Leader, 3, new(3, 3), 3, applied: 3);
    }

    /// <summary>Member 2 of <see cref="Elected"/> after its disk lost 2.2, which it had acknowledged.</summary>
    private static RestoredState Damaged() => new(
        new HardState(2, new NodeId(1), 1, IsRecovering: true), default, Membership.None, [Change(1, 1, Three)]);

    private static void AssertBroken(string rule, Action act) => Assert.Equal(rule, Assert.Throws<ViolationException>(act).Violation.Checker);
}
