namespace Discovery.Raft.Tests;

/// <summary>
/// A member whose disk lost entries that it may have acknowledged, and knows it: until it has them again, nothing may
/// depend on its word.
/// </summary>
public sealed class RecoveryTests
{
    [Fact]
    public void Recovering_member_gives_no_vote_and_does_not_stand()
    {
        Nodes nodes = Damaged();
        nodes[1].Crash();

        nodes[3].Campaign();
        nodes.Tick(100);

        Assert.Null(nodes.Leader);
        Assert.DoesNotContain(nodes.Sent, static message => message.From == Nodes.Id(3) && message.Kind == MessageKind.VoteResponse && message.Accepted);
        Assert.DoesNotContain(nodes.Sent, static message => message.From == Nodes.Id(3) && message.Kind == MessageKind.PreVoteRequest);
    }

    /// <summary>The leader believes that the member holds what is lost, and would count it.</summary>
    [Fact]
    public void Leader_of_the_term_of_the_damage_is_not_followed()
    {
        Nodes nodes = Damaged();

        nodes.Tick();

        Assert.Equal(3UL, nodes[3].Node.Term);
        Assert.NotEqual((RaftRole.Leader, 2UL), (nodes[1].Role, nodes[1].Node.Term));
    }

    [Fact]
    public void Member_votes_again_once_it_holds_what_the_next_leader_committed()
    {
        Nodes nodes = Damaged();

        nodes.TickUntil(() => nodes.Leader is not null && !nodes[3].Disk.State.IsRecovering);

        Assert.Equal(nodes.Leader!.Commit, nodes[3].Commit);
        nodes.Leader.Crash();
        nodes.TickUntil(() => nodes.Leader is not null);
    }

    [Fact]
    public void Recovery_ends_with_what_is_durable()
    {
        Nodes nodes = Damaged();
        nodes[3].Turn();
        nodes[3].IsDiskSlow = true;

        nodes.TickUntil(() => nodes.Leader is not null && nodes[3].Commit >= nodes.Leader.Commit);
        nodes.Tick(5);
        Assert.True(nodes[3].Node.Status.HardState.IsRecovering);

        nodes[3].IsDiskSlow = false;
        nodes[3].FinishWrite();
        nodes.Tick(5);
        Assert.False(nodes[3].Disk.State.IsRecovering);
    }

    /// <summary>Having some of what was lost is not enough: what is still missing may be committed too.</summary>
    [Fact]
    public void Recovery_does_not_end_halfway()
    {
        var nodes = new Nodes(3, Nodes.Settings with { MessageBytesMax = 1, InflightMax = 1 });
        nodes.Elect(1);
        for (byte i = 0; i < 5; i++)
        {
            nodes[1].Propose(i);
        }

        nodes.Run();
        nodes[3].Crash();
        nodes[3].Disk.Damage(6);
        nodes[3].Start();
        nodes.Loses = message => message.To == Nodes.Id(3) && !message.Entries.IsEmpty && nodes[3].Node.Status.Last.Index >= 4;

        nodes.Tick(100);
        Assert.NotNull(nodes.Leader);
        Assert.Equal(4UL, nodes[3].Commit);
        Assert.True(nodes[3].Disk.State.IsRecovering);

        nodes.Loses = null;
        nodes.TickUntil(() => !nodes[3].Disk.State.IsRecovering);
        Assert.Equal(nodes.Leader!.Commit, nodes[3].Commit);
    }

    [Fact]
    public void Recovery_goes_on_after_another_restart()
    {
        Nodes nodes = Damaged();
        nodes[3].Turn();
        Assert.Equal(3UL, nodes[3].Disk.State.Term);
        nodes[3].Crash();
        nodes[3].Start();

        Assert.True(nodes[3].Node.Status.HardState.IsRecovering);
        nodes.TickUntil(() => !nodes[3].Node.Status.HardState.IsRecovering);
    }

    /// <summary>Member 2 never had the entry, member 3 lost it; only member 1, which is down, keeps it from being forgotten.</summary>
    [Fact]
    public void Committed_entry_survives_its_loss_on_one_of_two_members()
    {
        Nodes nodes = Elected();
        nodes.Isolate(2);
        nodes[1].Propose(7);
        nodes.Run();
        Assert.Equal(3UL, nodes[1].Commit);
        nodes[1].Crash();
        nodes[3].Crash();
        nodes[3].Disk.Damage(1);
        nodes[3].Start();
        nodes.Heal();

        nodes.Tick(100);
        Assert.Null(nodes.Leader);

        nodes[1].Start();
        nodes.TickUntil(() => nodes.All.All(static member => member.Commands.SequenceEqual([7])));
    }

    [Fact]
    public void Commit_index_beyond_what_is_left_is_forgotten()
    {
        var node = new RaftNode(
            Nodes.Settings with { Id = Nodes.Id(1) },
            Nodes.Remembers(new Membership([Nodes.Id(1), Nodes.Id(2)]), 2, 2) with { HardState = new HardState(2, null, 50, IsRecovering: true) });

        Assert.Equal(3UL, node.Status.HardState.Commit);
    }

    private static Nodes Elected()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        return nodes;
    }

    /// <summary>Member 3 has lost the last two of its entries, all committed under leader 1, which still leads.</summary>
    private static Nodes Damaged()
    {
        Nodes nodes = Elected();
        nodes[1].Propose(1);
        nodes[1].Propose(2);
        nodes.Run();
        nodes[3].Crash();
        nodes[3].Disk.Damage(2);
        nodes[3].Start();
        nodes.Sent.Clear();
        return nodes;
    }
}
