namespace Discovery.Raft.Tests;

/// <summary>Reads that see every acknowledged write, without an entry and without a clock (Raft §8, thesis §6.4).</summary>
public sealed class ReadTests
{
    [Fact]
    public void Leader_reads_at_what_is_committed_once_a_majority_confirms_it()
    {
        Nodes nodes = Elected();
        Assert.True(nodes[1].Node.TryReadIndex(42));
        nodes.Turn();
        Assert.Empty(nodes[1].Reads);

        nodes.Run();

        Assert.Equal([new ReadState(42, 2)], nodes[1].Reads);
    }

    [Fact]
    public void Read_waits_for_the_first_entry_of_the_term()
    {
        var nodes = new Nodes(3) { Loses = static message => message.Kind == MessageKind.AppendResponse && message.Log != default };
        nodes.Elect(1);
        nodes[1].Node.TryReadIndex(42);
        nodes.Tick(3);
        Assert.Empty(nodes[1].Reads);

        nodes.Loses = null;
        nodes.Tick(2);
        Assert.Equal([new ReadState(42, 2)], nodes[1].Reads);
    }

    [Fact]
    public void Many_reads_cost_one_question_to_each_voter()
    {
        Nodes nodes = Elected();

        for (ulong i = 1; i <= 1_000; i++)
        {
            nodes[1].Node.TryReadIndex(i);
        }

        nodes.Run();

        Assert.Equal(1_000, nodes[1].Reads.Count);
        Assert.Equal(2, nodes.Sent.Count(static message => message.Kind == MessageKind.Append));
    }

    [Fact]
    public void Reads_that_come_while_one_is_asked_wait_for_a_later_word()
    {
        Nodes nodes = Elected();
        nodes[1].Node.TryReadIndex(1);
        nodes.Turn();
        nodes[1].Node.TryReadIndex(2);
        nodes.Turn();

        nodes.Deliver(static message => message.Kind == MessageKind.Append);
        nodes.Deliver(static message => message.From == Nodes.Id(2));
        Assert.Equal([1UL], nodes[1].Reads.Select(static read => read.Context));

        nodes.Run();
        Assert.Equal([1UL, 2UL], nodes[1].Reads.Select(static read => read.Context));
    }

    /// <summary>Who answered before the question was asked may have followed another leader since.</summary>
    [Fact]
    public void Answer_to_an_earlier_heartbeat_confirms_nothing()
    {
        Nodes nodes = Elected();
        nodes[1].Tick();
        nodes.Deliver(static message => message.Kind == MessageKind.Append);
        nodes[1].Node.TryReadIndex(42);
        nodes.Turn();

        nodes.Deliver(static message => message.Kind == MessageKind.AppendResponse);

        Assert.Empty(nodes[1].Reads);
    }

    [Fact]
    public void Lost_question_is_asked_again_by_the_heartbeat()
    {
        Nodes nodes = Elected();
        nodes[1].Node.TryReadIndex(42);
        nodes.Turn();
        nodes.Wire.Clear();

        nodes.Tick();

        Assert.Single(nodes[1].Reads);
    }

    [Fact]
    public void Follower_asks_the_leader_and_reads_when_it_has_applied_so_far()
    {
        Nodes nodes = Elected();
        nodes.Loses = static message => message.To == Nodes.Id(3) && message.Log != default;
        nodes[1].Propose(7);
        nodes.Run();
        Assert.True(nodes[3].Node.TryReadIndex(42));
        nodes.Run();
        Assert.Empty(nodes[3].Reads);

        nodes.Loses = null;
        nodes.Tick();
        Assert.Equal([new ReadState(42, 3)], nodes[3].Reads);
        Assert.Empty(nodes[1].Reads);
    }

    [Fact]
    public void Isolated_leader_confirms_no_read()
    {
        Nodes nodes = Elected();
        nodes.Isolate(1);
        nodes[1].Node.TryReadIndex(42);

        nodes.Tick(50);

        Assert.Empty(nodes[1].Reads);
        Assert.False(nodes[1].Node.TryReadIndex(43));
    }

    [Fact]
    public void Leader_that_was_replaced_unawares_confirms_no_read()
    {
        Nodes nodes = Elected();
        nodes.Isolate(1);
        for (int i = 0; i < 10; i++)
        {
            nodes[2].Tick();
            nodes[3].Tick();
        }

        nodes.Elect(2);
        nodes[2].Propose(7);
        nodes.Run();
        Assert.Equal((RaftRole.Leader, 3UL), (nodes[1].Role, nodes[2].Applied[^1].Id.Term));

        nodes[1].Node.TryReadIndex(42);
        nodes.Heal();
        nodes.Tick(20);

        Assert.Empty(nodes[1].Reads);
    }

    [Fact]
    public void Reads_end_with_the_leadership_and_come_not_late()
    {
        Nodes nodes = Elected();
        nodes[1].Node.TryReadIndex(42);
        nodes.Turn();
        nodes.Deliver(static message => message.Kind == MessageKind.Append);

        nodes[1].Receive(new Message(MessageKind.AppendResponse, Nodes.Id(3), Nodes.Id(1), 9));
        nodes.Run();

        Assert.Empty(nodes[1].Reads);
    }

    [Fact]
    public void Answer_of_an_older_leader_is_not_taken()
    {
        Nodes nodes = Elected();
        nodes[3].Node.TryReadIndex(42);
        nodes.Run(static message => message.Kind != MessageKind.ReadIndexResponse);
        nodes[3].Receive(new Message(MessageKind.VoteResponse, Nodes.Id(2), Nodes.Id(3), 9));

        nodes.Deliver();

        Assert.Empty(nodes[3].Reads);
    }

    [Fact]
    public void Learners_word_confirms_nothing()
    {
        Nodes nodes = Elected();
        nodes.Add(4);
        nodes[1].Change([1, 2, 3], 4);
        nodes.Tick(2);
        nodes.Isolate(2, 3);

        nodes[1].Node.TryReadIndex(42);
        nodes.Tick(5);

        Assert.Empty(nodes[1].Reads);
    }

    [Fact]
    public void Reads_that_wait_are_bounded()
    {
        var nodes = new Nodes(3, Nodes.Settings with { ReadsMax = 3 });
        nodes.Elect(1);
        nodes.Isolate(1);

        Assert.Equal([true, true, true, false], Enumerable.Range(1, 4).Select(i => nodes[1].Node.TryReadIndex((ulong)i)));
        nodes.Turn();
        Assert.False(nodes[1].Node.TryReadIndex(5));
    }

    /// <summary>A follower that lags for ever must not gather answers for ever.</summary>
    [Fact]
    public void Answers_that_wait_for_their_state_are_bounded()
    {
        var nodes = new Nodes(3, Nodes.Settings with { ReadsMax = 3 });
        nodes.Elect(1);
        for (ulong i = 1; i <= 10; i++)
        {
            nodes[3].Receive(new Message(MessageKind.ReadIndexResponse, Nodes.Id(1), Nodes.Id(3), 2) { Context = i, Index = 3 });
        }

        nodes[1].Propose(7);
        nodes.Run();

        Assert.Equal([1UL, 2UL, 3UL], nodes[3].Reads.Select(static read => read.Context));
    }

    private static Nodes Elected()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        nodes.Sent.Clear();
        return nodes;
    }
}
