namespace Discovery.Raft.Tests;

/// <summary>Sets of members, their majorities, and their bytes in every log.</summary>
public sealed class MembershipTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    [InlineData(4, 3)]
    [InlineData(5, 3)]
    public void Majority_is_more_than_half(int voters, int majority)
    {
        var membership = new Membership(Ids(1, voters));

        Assert.True(membership.IsQuorum(id => id.Value <= (ulong)majority));
        Assert.False(membership.IsQuorum(id => id.Value < (ulong)majority));
        Assert.Equal((ulong)(voters - majority + 1), membership.QuorumOf(static id => id.Value));
    }

    [Fact]
    public void Both_majorities_count_while_voters_change()
    {
        var joint = new Membership(Ids(1, 3), outgoing: Ids(4, 3));

        Assert.True(joint.IsQuorum(static id => id.Value is 1 or 2 or 4 or 5));
        Assert.False(joint.IsQuorum(static id => id.Value <= 4));
        Assert.Equal(2UL, joint.QuorumOf(static id => id.Value));
        Assert.True(joint.IsJoint && joint.IsVoter(Nodes.Id(5)) && joint.All.Count() == 6);
    }

    [Fact]
    public void Nobody_is_no_majority()
    {
        Assert.False(Membership.None.IsQuorum(static _ => true));
        Assert.Equal(0UL, Membership.None.QuorumOf(static _ => 9));
    }

    [Fact]
    public void Order_and_context_make_no_difference()
    {
        var one = new Membership([Nodes.Id(2), Nodes.Id(1)], [Nodes.Id(3)]) { Context = new byte[] { 1 } };
        var other = new Membership([Nodes.Id(1), Nodes.Id(2), Nodes.Id(2)], [Nodes.Id(3)]);

        Assert.Equal(one, other);
        Assert.Equal(one.GetHashCode(), other.GetHashCode());
        Assert.NotEqual(one, new Membership([Nodes.Id(1), Nodes.Id(2)], outgoing: [Nodes.Id(3)]));
    }

    [Fact]
    public void Voter_cannot_be_a_learner_too_but_may_be_on_its_way_to_it()
    {
        Assert.Throws<ArgumentException>(static () => new Membership([Nodes.Id(1)], [Nodes.Id(1)]));
        Assert.True(new Membership([Nodes.Id(1)], [Nodes.Id(2)], [Nodes.Id(1), Nodes.Id(2)]).IsVoter(Nodes.Id(2)));
    }

    /// <summary>Version 1 as it stands in logs and snapshots; later versions must go on reading it.</summary>
    [Fact]
    public void Bytes_of_version_1_stay_as_they_are()
    {
        var membership = new Membership([Nodes.Id(0x0102030405060708), Nodes.Id(2)], [Nodes.Id(9)], [Nodes.Id(3)])
        {
            Context = new byte[] { 0xAA, 0xBB },
        };
        byte[] golden = Convert.FromHexString(
            "01020101" + "0200000000000000" + "0807060504030201" + "0300000000000000" + "0900000000000000" + "AABB");

        Assert.Equal(golden, membership.Encode());
        Membership decoded = Membership.Decode(golden);
        Assert.Equal(membership, decoded);
        Assert.Equal([0xAA, 0xBB], decoded.Context.ToArray());
    }

    [Fact]
    public void Nobody_is_four_bytes() => Assert.Equal([1, 0, 0, 0], Membership.None.Encode());

    [Theory]
    [InlineData("", "version 0 with 0 bytes")]
    [InlineData("02000000", "version 2 with 4 bytes")]
    [InlineData("010100", "version 1 with 3 bytes")]
    [InlineData("0101000001", "1 ids in 5 bytes")]
    [InlineData("01010001" + "0100000000000000" + "0100000000000000", "a voter and a learner")]
    public void Other_bytes_are_refused(string hex, string found)
    {
        var e = Assert.Throws<FormatException>(() => Membership.Decode(Convert.FromHexString(hex)));

        Assert.Contains(found, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_members_than_the_bytes_can_count_are_refused() =>
        Assert.Throws<ArgumentException>(static () => new Membership(Ids(1, 256)));

    private static IEnumerable<NodeId> Ids(int first, int count) =>
        Enumerable.Range(first, count).Select(static id => Nodes.Id((ulong)id));
}
