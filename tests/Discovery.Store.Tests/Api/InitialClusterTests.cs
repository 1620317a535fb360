using Discovery.Store.Keyspace;

namespace Discovery.Store.Tests.Api;

/// <summary>Which first members the flags of the founding documents, and mistakes in them, lead to.</summary>
public sealed class InitialClusterTests
{
    private const string Three = "etcd1=http://etcd1:2380,etcd2=http://etcd2:2380,etcd3=http://etcd3:2380";

    private static readonly StoreOptions Alone = new() { DataDir = "/data" };

    /// <summary>Three nodes by compose, as document 5 starts them: no advertised peer URL, the name tells.</summary>
    private static readonly StoreOptions Composed = Alone with
    {
        Name = "etcd1",
        ListenPeerUrls = ["http://0.0.0.0:2380"],
        ListenClientUrls = ["http://0.0.0.0:2379"],
        AdvertiseClientUrls = ["http://0.0.0.0:2379"],
        InitialCluster = Three,
    };

    [Fact]
    public void Three_members_of_the_documents_form_etcds_cluster()
    {
        Assert.Empty(Composed.Validate());
        Assert.Empty(Composed.Warnings());

        Bootstrap formed = Bootstrap.From(Composed);

        Assert.Equal(0xade5_26d2_8b1f_92f7, formed.MemberId);
        Assert.Equal(["", "", ""], formed.Members.Select(static member => member.Name));
        Assert.Equal<string>(["http://etcd1:2380"], formed.OwnPeerUrls);
        Assert.Equal<string>(["http://etcd2:2380", "http://etcd3:2380"], formed.OtherPeerUrls);
        Assert.Equal(formed.ClusterId, MemberIds.OfCluster(formed.Members.Select(static member => member.Id)));
        Assert.False(formed.IsJoining);
    }

    [Fact]
    public void Every_member_computes_the_same_cluster_and_the_same_first_entry()
    {
        StoreOptions second = Composed with
        {
            Name = "another-name",
            InitialAdvertisePeerUrls = ["http://etcd2:2380/"],
            InitialCluster = "etcd3=http://etcd3:2380,x=http://etcd2:2380/,etcd1=http://etcd1:2380",
        };

        Bootstrap one = Bootstrap.From(Composed);
        Bootstrap two = Bootstrap.From(second);

        Assert.Equal(one.ClusterId, two.ClusterId);
        Assert.NotEqual(one.MemberId, two.MemberId);
        Assert.Contains(one.Members, member => member.Id == two.MemberId);
        Assert.Equal(CommandCodec.Encode(one.FirstCommand, default), CommandCodec.Encode(two.FirstCommand, default));
    }

    [Fact]
    public void Member_alone_has_etcds_ids()
    {
        Bootstrap formed = Bootstrap.From(Alone);

        Assert.Equal((0xcdf8_1819_4e3a_8c32, 0x8e9e_05c5_2164_694d), (formed.ClusterId, formed.MemberId));
        Assert.Empty(formed.OtherPeerUrls);
        Assert.Equal("default", Assert.Single(formed.Members).Name);
        Assert.Equal(["http://localhost:2380"], (Alone with { ListenPeerUrls = ["http://0.0.0.0:2380"] }).EffectiveAdvertisePeerUrls);
    }

    [Fact]
    public void Token_makes_another_cluster_of_the_same_urls() => Assert.NotEqual(
        Bootstrap.From(Composed).ClusterId, Bootstrap.From(Composed with { InitialClusterToken = "other" }).ClusterId);

    [Fact]
    public void Name_that_comes_twice_is_a_member_with_two_urls()
    {
        StoreOptions two = Alone with
        {
            Name = "a",
            InitialAdvertisePeerUrls = ["http://b:2380", "http://a:2380"],
            InitialCluster = "a=http://a:2380,a=http://b:2380,c=http://c:2380",
        };

        Assert.Empty(two.Validate());
        Assert.Equal(2, Bootstrap.From(two).Members.Length);
        Assert.Equal<string>(["http://a:2380", "http://b:2380"], Bootstrap.From(two).OwnPeerUrls);
    }

    [Fact]
    public void Another_name_than_the_lists_is_one_warning_naming_both()
    {
        StoreOptions added = Composed with { Name = "infra2", InitialAdvertisePeerUrls = ["http://etcd1:2380"] };

        Assert.Empty(added.Validate());
        string warning = Assert.Single(added.Warnings());
        Assert.Contains("etcd1", warning, StringComparison.Ordinal);
        Assert.Contains("infra2", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Member_that_is_not_in_the_list_is_told_what_to_write() => Assert.Equal(
        [
            $"--initial-cluster is \"{Three}\", with neither the peer URL http://10.0.0.9:2380 nor the name infra9; wanted this member in it, "
            + $"on every member: --initial-cluster {Three},infra9=http://10.0.0.9:2380",
        ],
        (Composed with { Name = "infra9", InitialAdvertisePeerUrls = ["http://10.0.0.9:2380"] }).Validate());

    [Fact]
    public void Name_with_another_url_than_the_advertised_one_is_refused() => Assert.Equal(
        [
            "--initial-cluster has etcd1=http://etcd1:2380, --initial-advertise-peer-urls is http://10.0.0.9:2380; wanted the same in both: "
            + "--initial-advertise-peer-urls http://etcd1:2380, or etcd1=http://10.0.0.9:2380 in --initial-cluster of every member",
        ],
        (Composed with { InitialAdvertisePeerUrls = ["http://10.0.0.9:2380"] }).Validate());

    [Theory]
    [InlineData("nonsense", "--initial-cluster has \"nonsense\"; wanted name=peer-url, such as infra0=http://10.0.0.1:2380")]
    [InlineData("a=10.0.0.1:2380", "--initial-cluster has \"a=10.0.0.1:2380\"; wanted http://address:port")]
    [InlineData("a=http://10.0.0.1", "--initial-cluster has \"a=http://10.0.0.1\"; wanted a port, such as http://127.0.0.1:2379")]
    [InlineData("a=https://10.0.0.1:2380", "--initial-cluster has \"a=https://10.0.0.1:2380\"; https is not served by this version; wanted http")]
    [InlineData("a=http://0.0.0.0:2380", "--initial-cluster has \"a=http://0.0.0.0:2380\"; wanted an address that other members can dial; this one means every address of the machine that listens")]
    [InlineData("etcd1=http://h:1,b=http://h:1", "--initial-cluster has etcd1=http://h:1 and b=http://h:1; wanted each peer URL once")]
    [InlineData("etcd1=http://h:1,etcd1=http://H:1/", "--initial-cluster has etcd1=http://h:1 and etcd1=http://H:1; wanted each peer URL once")]
    public void Mistake_in_the_list_is_one_line(string list, string wanted) =>
        Assert.Equal([wanted], (Composed with { InitialCluster = list }).Validate());

    [Fact]
    public void Two_members_under_one_name_are_told_apart_by_what_this_one_advertises()
    {
        StoreOptions copied = Composed with { InitialAdvertisePeerUrls = ["http://a:2380"], InitialCluster = "etcd1=http://a:2380,etcd1=http://b:2380" };

        Assert.Contains("a name stands for one member", Assert.Single(copied.Validate()), StringComparison.Ordinal);
    }

    [Fact]
    public void Peers_cannot_be_told_every_address_but_clients_can()
    {
        Assert.Empty((Alone with { AdvertiseClientUrls = ["http://0.0.0.0:2379"] }).Validate());
        Assert.StartsWith(
            "--initial-advertise-peer-urls has \"http://0.0.0.0:2380\"; wanted an address",
            Assert.Single((Alone with { InitialAdvertisePeerUrls = ["http://0.0.0.0:2380"] }).Validate()),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Loopback_beside_other_hosts_is_a_warning_that_says_what_to_write()
    {
        StoreOptions cut = Composed with { InitialCluster = "etcd1=http://127.0.0.1:2380,etcd2=http://10.0.0.2:2380" };

        Assert.Empty(cut.Validate());
        string warning = Assert.Single(cut.Warnings());
        Assert.StartsWith("--initial-cluster has etcd1=http://127.0.0.1:2380, which only the machine of etcd1 itself can reach", warning, StringComparison.Ordinal);
        Assert.EndsWith("etcd1=http://ADDRESS:2380", warning, StringComparison.Ordinal);

        Assert.Empty((cut with { InitialCluster = "etcd1=http://127.0.0.1:1,b=http://localhost:2,c=http://[::1]:3" }).Warnings());
    }

    [Fact]
    public void Joining_member_knows_where_the_others_are_and_nothing_else()
    {
        StoreOptions joining = Composed with { Name = "etcd2", InitialClusterState = "existing" };

        Assert.Empty(joining.Validate());
        Bootstrap joins = Bootstrap.From(joining);

        Assert.True(joins.IsJoining);
        Assert.Equal((0UL, 0UL), (joins.ClusterId, joins.MemberId));
        Assert.Empty(joins.Members);
        Assert.Equal<string>(["http://etcd2:2380"], joins.OwnPeerUrls);
        Assert.Equal<string>(["http://etcd1:2380", "http://etcd3:2380"], joins.OtherPeerUrls);
    }

    [Theory]
    [InlineData("")]
    [InlineData("etcd1=http://etcd1:2380")]
    public void Joining_needs_somebody_to_join(string list) => Assert.Contains(
        "etcdctl member add",
        Assert.Single((Composed with { InitialClusterState = "existing", InitialCluster = list }).Validate()),
        StringComparison.Ordinal);

    [Fact]
    public void With_data_the_list_is_ignored_and_only_what_contradicts_the_data_is_told()
    {
        StoreOptions nonsense = Composed with { InitialCluster = "nonsense" };
        MemberTable members = new() { ById = MemberTable.Empty.ById.Add(1, new(1, ["http://etcd1:2380"])).Add(2, new(2, ["http://etcd4:2380"])) };

        Assert.Empty(nonsense.Validate(hasData: true));
        Assert.Empty(Bootstrap.Contradictions(Composed with { InitialCluster = "etcd1=http://etcd1:2380" }, members, 1));
        Assert.Equal(
            "--initial-cluster has etcd2=http://etcd2:2380, etcd3=http://etcd3:2380, ignored: no member is there, says the data; to add one: etcdctl member add",
            Assert.Single(Bootstrap.Contradictions(Composed, members, 1)));
        Assert.Equal(
            "--initial-advertise-peer-urls is http://new:2380, ignored: the members know this one at http://etcd1:2380; to move it: etcdctl member update 1 --peer-urls=http://new:2380",
            Assert.Single(Bootstrap.Contradictions(Alone with { InitialAdvertisePeerUrls = ["http://new:2380"] }, members, 1)));
    }
}
