using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Checks;

namespace Discovery.Simulator.Tests.Checks;

/// <summary>Random histories: right ones pass, and one wrong answer among thousands is found.</summary>
public sealed class LinearizabilityRandomTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20)];

    [Theory, MemberData(nameof(Seeds))]
    public void Right_history_passes(int seed)
    {
        var random = new RandomHistory(seed, operations: 2_000, keys: 3 + (seed % 5), clients: 2 + (seed % 12), unanswered: seed % 4 * 0.05);

        Assert.Null(LinearizabilityCheck.Check(random.History)?.Text);
    }

    /// <summary>Goal: a storm of timeouts does not make the search explode; how: a bound of a few steps an operation.</summary>
    [Theory]
    [InlineData(0.02)]
    [InlineData(0.2)]
    [InlineData(0.5)]
    public void Operations_without_answers_are_settled_in_few_steps(double unanswered)
    {
        var random = new RandomHistory(seed: 1, operations: 20_000, keys: 2, clients: 20, unanswered);

        Assert.Null(LinearizabilityCheck.Check(random.History, stepsMax: 100_000)?.Text);
    }

    /// <summary>Goal: a wrong read is found; how: a read is told the pair that stood before the one it saw, all else unchanged.</summary>
    [Theory, MemberData(nameof(Seeds))]
    public void Read_of_a_replaced_pair_is_found(int seed)
    {
        var random = new RandomHistory(seed, operations: 2_000, keys: 4, clients: 8, unanswered: 0.05);
        (Operation read, KeyValue older) = (
            from one in random.Answered.Reverse()
            where one.Request.Compares.Count == 0 && one.Request.Success[0].Kind == KvActionKind.Get
            where one.Answer!.Results[0].Pairs.Count > 0
            let seen = one.Answer!.Results[0].Pairs[0]
            from other in random.Answered
            where other.ReturnEvent < one.CallEvent
            from pair in other.Answer!.Results.SelectMany(static result => result.Pairs)
            where pair.Key.Equals(seen.Key) && pair.ModRevision < seen.ModRevision
            select (one, pair)).First();

        read.Answer = read.Answer! with { Results = [new KvResult([older], 0)] };

        Assert.Equal("linearizability", LinearizabilityCheck.Check(random.History)?.Checker);
    }

    /// <summary>Goal: a lost write is found; how: the write's answer stays, and its value is in nobody's answer any more.</summary>
    [Theory, MemberData(nameof(Seeds))]
    public void Answered_write_that_never_happened_is_found(int seed)
    {
        var random = new RandomHistory(seed, operations: 2_000, keys: 4, clients: 8, unanswered: 0.05);
        Operation read = random.Answered.Last(static one => one.Answer!.Results.Any(static result => result.Pairs.Count > 0));
        KeyValue seen = read.Answer!.Results.First(static result => result.Pairs.Count > 0).Pairs[0];

        // A second put of the same moment, which the reader should have seen instead.
        Operation lost = random.History.Call(99, new PutRequest { Key = seen.Key, Value = ScriptedHistory.Bytes("lost") }, default);
        random.History.Return(lost, ScriptedHistory.PutAt(read.Answer.Revision + 1_000_000), default);
        Operation late = random.History.Call(99, new RangeRequest { Key = seen.Key }, default);
        random.History.Return(late, ScriptedHistory.Found(read.Answer.Revision + 1_000_001, seen), default);

        Assert.Equal("linearizability", LinearizabilityCheck.Check(random.History)?.Checker);
    }

    /// <summary>Goal: the search agrees with the definition; how: tiny histories, and every order of their operations tried.</summary>
    [Fact]
    public void Search_agrees_with_trying_every_order()
    {
        int broken = 0;
        for (int seed = 0; seed < 3_000; seed++)
        {
            var random = new RandomHistory(seed, operations: 6, keys: 1, clients: 3, unanswered: 0.15);
            Distort(random, new Random(seed));
            bool isRight = RevisionOrderCheck.Check(random.History) is null && EveryOrder.Explains(random.History);

            broken += isRight ? 0 : 1;
            Assert.True(isRight == LinearizabilityCheck.Check(random.History) is null, $"seed {seed}: {string.Join('\n', random.History.Operations)}");
        }

        Assert.InRange(broken, 300, 2_700);
    }

    /// <summary>Often swaps the answers of two reads, or takes a write's answer away, or moves a revision.</summary>
    private static void Distort(RandomHistory random, Random chance)
    {
        Operation[] answered = [.. random.Answered];
        Operation[] reads = [.. answered.Where(static one => !one.Request.IsWrite)];
        switch (chance.Next(4))
        {
            case 0 when reads.Length > 1:
                (reads[0].Answer, reads[^1].Answer) = (reads[^1].Answer, reads[0].Answer);
                break;
            case 1:
                Operation moved = answered[chance.Next(answered.Length)];
                moved.Answer = moved.Answer! with { Revision = moved.Answer.Revision + chance.Next(-1, 3) };
                break;
            case 2:
                Operation forgotten = answered[chance.Next(answered.Length)];
                (forgotten.Answer, forgotten.ReturnEvent, forgotten.IsVoid) = (null, Operation.Never, !forgotten.Request.IsWrite);
                break;
        }
    }
}
