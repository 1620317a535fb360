namespace Discovery.Raft.Tests;

/// <summary>How much is under way, and what bounds it.</summary>
public sealed class FlowControlTests
{
    [Fact]
    public void Unanswered_messages_to_a_follower_are_bounded_in_number()
    {
        Nodes nodes = Elected(Nodes.Settings with { InflightMax = 3 });
        nodes.Loses = static message => message.Kind == MessageKind.AppendResponse;

        Propose(nodes, 10);

        Assert.Equal(3, Appends(nodes));
    }

    /// <summary>The one that goes beyond the bound is the last.</summary>
    [Fact]
    public void Unanswered_messages_to_a_follower_are_bounded_in_bytes()
    {
        Nodes nodes = Elected(Nodes.Settings with { InflightBytesMax = 250 });
        nodes.Loses = static message => message.Kind == MessageKind.AppendResponse;

        Propose(nodes, 10, bytes: 100);

        Assert.Equal(3, Appends(nodes));
    }

    [Fact]
    public void Answers_make_room_and_everything_arrives()
    {
        Nodes nodes = Elected(Nodes.Settings with { InflightMax = 2, MessageBytesMax = 10 });

        Propose(nodes, 100, bytes: 7);
        nodes.Run();

        Assert.Equal(100, nodes[2].Commands.Count());
    }

    [Fact]
    public void Message_is_cut_at_its_bytes_and_one_entry_may_exceed_them()
    {
        Nodes nodes = Elected(Nodes.Settings with { MessageBytesMax = 100 });
        foreach (int bytes in (int[])[40, 40, 40, 1_000, 1])
        {
            nodes[1].Propose(1, bytes);
        }

        nodes.Turn();

        Assert.Equal([2, 1, 1, 1], nodes.Sent.Select(static message => message.Entries.Length));
    }

    [Fact]
    public void Follower_that_does_not_answer_is_asked_once_a_heartbeat()
    {
        Nodes nodes = Elected(Nodes.Settings);
        nodes[1].Node.ReportUnreachable(Nodes.Id(2));
        nodes.Turn();
        nodes.Wire.Clear();
        nodes.Sent.Clear();

        Propose(nodes, 10);
        Assert.Equal(0, Appends(nodes));

        nodes.Tick();
        Assert.InRange(Appends(nodes), 1, 3);
        Assert.Equal(10, nodes[2].Commands.Count());
    }

    [Fact]
    public void Unreachable_follower_costs_nothing_but_heartbeats()
    {
        Nodes nodes = Elected(Nodes.Settings, voters: 3);
        nodes[3].Crash();
        for (int i = 0; i < 50; i++)
        {
            Propose(nodes, 1);
            nodes[1].Node.ReportUnreachable(Nodes.Id(3));
            nodes.Run();
        }

        Assert.InRange(nodes.Sent.Count(static message => message.To == Nodes.Id(3)), 0, 2);
    }

    /// <summary>All that was sent ahead is lost, and gone from the log before anybody notices.</summary>
    [Fact]
    public void Follower_whose_whole_window_was_lost_and_compacted_is_caught_up()
    {
        Nodes nodes = Elected(Nodes.Settings with { InflightMax = 2 }, voters: 3);
        nodes.Cut(1, 3);
        for (int i = 0; i < 10; i++)
        {
            Propose(nodes, 1);
            nodes.Run();
        }

        nodes[1].Compact();
        nodes.Heal();
        nodes.Tick(3);

        Assert.Equal(10, nodes[3].Commands.Count());
    }

    [Fact]
    public void Leader_refuses_what_would_wait_beyond_the_uncommitted_bytes()
    {
        Nodes nodes = Elected(Nodes.Settings with { UncommittedBytesMax = 100 });
        nodes.Isolate(2);

        Assert.Equal(ProposalOutcome.Accepted, nodes[1].Propose(1, bytes: 100));
        Assert.Equal(ProposalOutcome.Busy, nodes[1].Propose(1));

        nodes.Heal();
        nodes.Tick(2);
        Assert.Equal(ProposalOutcome.Accepted, nodes[1].Propose(1, bytes: 100));
    }

    /// <summary>A new leader does not count what older terms left; those bytes are not its own to give back.</summary>
    [Fact]
    public void Uncommitted_bytes_of_older_terms_are_not_counted()
    {
        var nodes = new Nodes(3, Nodes.Settings with { UncommittedBytesMax = 10 }, static _ => Nodes.Terms((2, 50)));
        nodes.Elect(1);

        Assert.Equal(ProposalOutcome.Accepted, nodes[1].Propose(1, bytes: 10));
        Assert.Equal(ProposalOutcome.Busy, nodes[1].Propose(1));
    }

    private static Nodes Elected(RaftSettings settings, int voters = 2)
    {
        var nodes = new Nodes(voters, settings);
        nodes.Elect(1);
        nodes.Sent.Clear();
        return nodes;
    }

    private static void Propose(Nodes nodes, int count, int bytes = 1)
    {
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(ProposalOutcome.Accepted, nodes[1].Propose(1, bytes));
            nodes.Turn();
        }
    }

    private static int Appends(Nodes nodes) => nodes.Sent.Count(static message => message.Kind == MessageKind.Append && !message.Entries.IsEmpty);
}
