using Discovery.Store.Keyspace;

namespace Discovery.Store.Tests.Keyspace;

/// <summary>The wanted ids are those that a real etcd printed.</summary>
public sealed class MemberIdsTests
{
    [Theory]
    [InlineData("http://localhost:2380", 0x8e9e_05c5_2164_694d)]
    [InlineData("http://etcd1:2380", 0xade5_26d2_8b1f_92f7)]
    public void Member_id_is_etcds(string url, ulong wanted) =>
        Assert.Equal(wanted, MemberIds.OfMember([url], "etcd-cluster"));

    [Fact]
    public void Cluster_id_is_etcds() =>
        Assert.Equal(0xcdf8_1819_4e3a_8c32, MemberIds.OfCluster([MemberIds.OfMember(["http://localhost:2380"], "etcd-cluster")]));

    [Fact]
    public void Order_of_urls_and_members_does_not_matter()
    {
        Assert.Equal(MemberIds.OfMember(["http://a:1", "http://b:1"], "t"), MemberIds.OfMember(["http://b:1", "http://a:1"], "t"));
        Assert.Equal(MemberIds.OfCluster([1, 2, 3]), MemberIds.OfCluster([3, 1, 2]));
        Assert.NotEqual(MemberIds.OfMember(["http://a:1"], "t"), MemberIds.OfMember(["http://a:1"], "u"));
    }

    [Fact]
    public void Added_member_gets_an_id_that_nobody_had()
    {
        ulong first = MemberIds.OfAdded(["http://a:1"], 1_700_000_000, static _ => false);
        ulong second = MemberIds.OfAdded(["http://a:1"], 1_700_000_000, id => id == first);

        Assert.NotEqual(first, second);
        Assert.Equal(second, MemberIds.OfAdded(["http://a:1"], 1_700_000_001, static _ => false));
    }
}
