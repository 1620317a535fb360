using Discovery.Raft;
using Discovery.Store.Consensus;

namespace Discovery.Store.Tests.Consensus;

public sealed class ConfirmationsTests
{
    private static readonly NodeId Self = new(1);
    private static readonly NodeId Leader = new(2);

    /// <summary>
    /// Goal: no stale read after a restart. How: the question of the life before is on its way to the leader when the member
    /// starts again in the same term; what was committed between both questions is not in the old answer.
    /// </summary>
    [Fact]
    public void Answer_to_a_question_of_an_earlier_life_is_not_taken()
    {
        ulong old = Ask(new Confirmations(start: 77), new ReadBarrier());
        var read = new ReadBarrier();
        var confirmations = new Confirmations(start: 5_000_000);

        ulong asked = Ask(confirmations, read);

        Assert.Empty(confirmations.Take(old));
        Assert.Same(read, Assert.Single(confirmations.Take(asked)));
    }

    private static ulong Ask(Confirmations confirmations, Request request)
    {
        var node = new RaftNode(new RaftSettings { Id = Self, Seed = 1 }, RestoredState.Formed(new Membership([Self, Leader])));
        node.Step(new Message(MessageKind.Append, Leader, Self, 2));
        confirmations.Enter(request);
        confirmations.Ask(node);
        return node.TakeReady().Messages.Single(static message => message.Kind == MessageKind.ReadIndex).Context;
    }
}
