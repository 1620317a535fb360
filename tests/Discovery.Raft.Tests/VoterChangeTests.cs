namespace Discovery.Raft.Tests;

/// <summary>Voters come and go through a time in which both majorities decide (Raft §6).</summary>
public sealed class VoterChangeTests
{
    [Fact]
    public void Change_goes_through_a_joint_membership_and_ends_by_itself()
    {
        Nodes nodes = Elected(3, spare: 1);

        Assert.Equal(ProposalOutcome.Accepted, nodes[1].Change([1, 2, 3, 4]));
        Assert.True(nodes[1].Node.Membership.IsJoint);
        nodes.Tick(2);

        Assert.All(nodes.All, static member => Assert.Equal(new Membership([.. Ids(1, 2, 3, 4)]), member.AppliedMembership));
    }

    [Fact]
    public void Several_voters_are_replaced_at_once()
    {
        Nodes nodes = Elected(3, spare: 2);

        nodes[1].Change([1, 4, 5]);
        nodes.Tick(2);
        nodes[2].Crash();
        nodes[3].Crash();
        nodes[1].Propose(7);
        nodes.Run();

        Assert.All(nodes.Up, static member => Assert.Equal([7], member.Commands));
    }

    [Theory]
    [InlineData(2, 3)]
    [InlineData(4, 5)]
    public void Each_of_both_majorities_can_hold_a_change_up(ulong gone, ulong goneToo)
    {
        Nodes nodes = Elected(3, spare: 2);
        nodes.Isolate(gone, goneToo);
        nodes[1].Change([1, 4, 5]);
        nodes.Tick(3);
        Assert.Equal(2UL, nodes[1].Commit);

        nodes.Heal();
        nodes.TickUntil(() => nodes[4].AppliedMembership.Equals(new Membership(Ids(1, 4, 5))), most: 5);
    }

    [Theory]
    [InlineData(2, 3)]
    [InlineData(4, 5)]
    public void Each_of_both_majorities_can_deny_an_election(ulong gone, ulong goneToo)
    {
        Nodes nodes = MidChange();
        nodes[1].Crash();
        nodes[gone].Crash();
        nodes[goneToo].Crash();

        nodes.Tick(100);
        Assert.Null(nodes.Leader);

        nodes[gone].Start();
        nodes[1].Start();
        nodes.TickUntil(() => nodes.Leader is not null);
    }

    [Fact]
    public void Change_under_way_is_ended_by_the_next_leader()
    {
        Nodes nodes = MidChange();
        nodes[1].Crash();

        nodes.TickUntil(() => nodes.Leader is { } leader && !leader.AppliedMembership.IsJoint);

        Assert.Equal(new Membership(Ids(1, 4, 5)), nodes.Leader!.Node.Membership);
    }

    [Fact]
    public void Change_that_no_other_heard_of_is_rolled_back()
    {
        Nodes nodes = Elected(3, spare: 2);
        nodes.Isolate(1);
        nodes[1].Change([1, 4, 5]);
        nodes[1].Turn();
        Assert.True(nodes[1].Node.Membership.IsJoint);

        nodes.TickUntil(() => nodes.Leader is { } leader && leader.Node.Term > 2);
        nodes.Heal();
        nodes.TickUntil(() => nodes[1].Node.Leader == nodes.Leader!.Id);

        Assert.All([nodes[1], nodes[2], nodes[3]], static member => Assert.Equal(new Membership(Ids(1, 2, 3)), member.Node.Membership));
    }

    [Fact]
    public void One_change_at_a_time()
    {
        Nodes nodes = Elected(3, spare: 2);
        nodes.Isolate(1);
        Assert.Equal(ProposalOutcome.Accepted, nodes[1].Change([1, 2, 3], 4));
        nodes[1].Turn();

        Assert.Equal(ProposalOutcome.Busy, nodes[1].Change([1, 2, 3], 4, 5));
        nodes.Heal();
        nodes.Tick(2);
        Assert.Equal(ProposalOutcome.Accepted, nodes[1].Change([1, 2, 3, 4]));
        Assert.Equal(ProposalOutcome.Busy, nodes[1].Change([1, 2, 3]));
        nodes.Tick(2);
        Assert.Equal(ProposalOutcome.Accepted, nodes[1].Change([1, 2, 3]));
    }

    /// <summary>Otherwise two leaders could change away from the same membership, each to its own majority.</summary>
    [Fact]
    public void No_change_before_the_leader_has_committed_an_entry_of_its_term()
    {
        var nodes = new Nodes(3) { Loses = static message => message.Kind == MessageKind.AppendResponse };
        nodes.Elect(1);
        Assert.Equal(ProposalOutcome.Busy, nodes[1].Change([1, 2]));

        nodes.Loses = null;
        nodes.Tick(2);
        Assert.Equal(ProposalOutcome.Accepted, nodes[1].Change([1, 2]));
    }

    [Fact]
    public void Only_the_leader_changes_members()
    {
        Nodes nodes = Elected(3, spare: 0);

        Assert.Equal(ProposalOutcome.NotLeader, nodes[2].Change([1, 2]));
    }

    [Fact]
    public void Leader_that_removes_itself_leads_to_the_end_and_hands_over_at_once()
    {
        Nodes nodes = Elected(3, spare: 0);

        nodes[1].Change([2, 3]);
        nodes.Run();

        Assert.Contains(nodes.Leader?.Id.Value ?? 0, (ulong[])[2, 3]);
        Assert.Equal(RaftRole.Follower, nodes[1].Role);
        Assert.Equal(new Membership(Ids(2, 3)), nodes[1].AppliedMembership);
        nodes.Leader!.Propose(7);
        nodes.Run();
        Assert.Equal([7], nodes[2].Commands);
    }

    [Fact]
    public void Leader_may_become_a_learner()
    {
        Nodes nodes = Elected(3, spare: 0);

        nodes[1].Change([2, 3], 1);
        nodes.Run();
        nodes.Tick(2);
        nodes.Leader!.Propose(7);
        nodes.Run();

        Assert.NotEqual(Nodes.Id(1), nodes.Leader.Id);
        Assert.Equal([7], nodes[1].Commands);
    }

    /// <summary>
    /// Raft thesis §4.2.2. Only the leader's log has the entry that takes its vote, so its log is newer than those of all
    /// who stay: they cannot win without its vote, it does not give it to an older log, so it must stand itself.
    /// </summary>
    [Fact]
    public void Leader_on_its_way_out_may_lead_again_until_that_is_committed()
    {
        Nodes nodes = Elected(2, spare: 0);
        nodes[1].Change([2]);
        nodes.Deliver(static message => message.To == Nodes.Id(2));
        nodes.Deliver(static message => message.To == Nodes.Id(1));
        nodes[1].Turn();
        nodes.Wire.Clear();
        Assert.Equal("voters [0000000000000002]", nodes[1].Node.Membership.ToString());
        Assert.True(nodes[2].Node.Membership.IsJoint);

        nodes[1].Crash();
        nodes[1].Start();

        nodes.TickUntil(() => nodes[2].Role == RaftRole.Leader && nodes[2].AppliedMembership.Equals(new Membership(Ids(2))));
    }

    [Fact]
    public void Removed_member_disturbs_nobody()
    {
        Nodes nodes = Elected(3, spare: 0);
        nodes[1].Change([1, 2]);
        nodes.Tick(2);

        nodes.Tick(200);

        Assert.Equal((RaftRole.Leader, 2UL), (nodes[1].Role, nodes[1].Node.Term));
        Assert.DoesNotContain(nodes[1].Node.Followers(), static follower => follower.Id == Nodes.Id(3));
    }

    /// <summary>It has had no time to be heard yet; that is no reason to believe that nobody is there.</summary>
    [Fact]
    public void New_voters_do_not_make_the_leader_believe_that_it_is_cut_off()
    {
        for (int ticks = 0; ticks < 12; ticks++)
        {
            Nodes nodes = Elected(1, spare: 2);
            nodes.Tick(ticks);
            nodes[1].Change([1, 4, 5]);
            nodes[1].Tick();
            nodes.Run();

            Assert.Equal(RaftRole.Leader, nodes[1].Role);
        }
    }

    [Fact]
    public void Context_comes_with_the_entries_of_the_change()
    {
        Nodes nodes = Elected(3, spare: 1);

        nodes[1].Node.TryChangeMembership(Ids(1, 2, 3, 4), [], new byte[] { 5, 6 });
        nodes.Tick(2);

        byte[][] contexts = [.. nodes[4].Applied.Where(static entry => entry.Kind == EntryKind.Membership)
            .Skip(1).Select(static entry => Membership.Decode(entry.Payload).Context.ToArray())];
        Assert.Equal([[5, 6], [5, 6]], contexts);
    }

    private static NodeId[] Ids(params ulong[] ids) => [.. ids.Select(Nodes.Id)];

    private static Nodes Elected(int voters, int spare)
    {
        var nodes = new Nodes(voters);
        for (int i = 0; i < spare; i++)
        {
            nodes.Add((ulong)(4 + i));
        }

        nodes.Elect(1);
        return nodes;
    }

    /// <summary>From members 1, 2, 3 to 1, 4, 5; all have the joint membership, none the one after it.</summary>
    private static Nodes MidChange()
    {
        Nodes nodes = Elected(3, spare: 2);
        nodes.Loses = static message => message.Kind == MessageKind.AppendResponse && message.Log.Index >= 3;
        nodes[1].Change([1, 4, 5]);
        nodes.Tick(2);
        Assert.All(nodes.All, static member => Assert.True(member.Node.Membership.IsJoint));
        nodes.Loses = null;
        return nodes;
    }
}
