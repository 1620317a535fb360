using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Keyspace;
using Kind = Discovery.EtcdApi.Messages.MemberCommand.Types.Kind;

namespace Discovery.Store.Tests.Keyspace;

/// <summary>Changes of members as the keyspace applies them. What etcd answers was read from a real one (MemberOracleTests).</summary>
public sealed class MemberTableTests
{
    private readonly KeyspaceDriver _store = new();

    public MemberTableTests() =>
        Applied<MemberListResponse>(Kind.Bootstrap, Named(1, "a"), Named(2, "b"), Named(3, "c"));

    [Fact]
    public void Bootstrap_makes_the_first_members_once()
    {
        Assert.Equal([1UL, 2, 3], _store.State.Members.ById.Keys);
        Assert.Equal(EtcdError.MemberExists, Refused(Kind.Bootstrap, Named(4, "d")));
    }

    [Fact]
    public void Added_member_is_answered_with_all_members_and_no_revision()
    {
        var added = Applied<MemberAddResponse>(Kind.Add, New(4));

        Assert.Equal(New(4), added.Member);
        Assert.Equal([1UL, 2, 3, 4], added.Members.Select(static member => member.ID));
        Assert.Equal(0, added.Header.Revision);
        Assert.Equal(1, _store.View.Revision);
    }

    [Fact]
    public void Pending_member_is_shown_as_a_voter_until_and_after_it_votes()
    {
        var added = Applied<MemberAddResponse>(new MemberCommand { Kind = Kind.Add, Pending = true, Members = { New(4) } });

        Assert.False(added.Member.IsLearner);
        Assert.True(_store.State.Members.ById[4].IsPending);
        Assert.Equal(EtcdError.NotLearner, Refused(Kind.Promote, Id(4)));

        Applied<MemberPromoteResponse>(new MemberCommand { Kind = Kind.Promote, Pending = true, Members = { Id(4) } });
        Assert.False(_store.State.Members.ById[4].IsPending);
    }

    [Fact]
    public void Feature_level_is_the_lowest_and_never_goes_back()
    {
        Publish(1, level: 3);
        Publish(2, level: 2);
        Assert.Equal(1U, _store.State.Members.FeatureLevel);

        Publish(3, level: 2);
        Assert.Equal(2U, _store.State.Members.FeatureLevel);

        Publish(1, level: 1);
        Applied<MemberAddResponse>(Kind.Add, New(4));
        Assert.Equal(2U, _store.State.Members.FeatureLevel);
        Assert.Equal(1U, _store.State.Members.ById[1].FeatureLevel);

        void Publish(ulong id, uint level) =>
            Applied<MemberListResponse>(new MemberCommand { Kind = Kind.Publish, Members = { Named(id, $"m{id}") }, FeatureLevel = level });
    }

    /// <summary>A member of a program from before there were levels says none.</summary>
    [Fact]
    public void Who_says_no_feature_level_has_the_first()
    {
        Applied<MemberListResponse>(Kind.Publish, Named(2, "b"));
        Assert.Equal(1U, _store.State.Members.ById[2].FeatureLevel);
    }

    [Fact]
    public void Removal_of_the_last_old_member_raises_the_feature_level()
    {
        foreach (ulong id in (ulong[])[1, 2])
        {
            Applied<MemberListResponse>(new MemberCommand { Kind = Kind.Publish, Members = { Named(id, "x") }, FeatureLevel = 2 });
        }

        Applied<MemberRemoveResponse>(Kind.Remove, Id(3));
        Assert.Equal(2U, _store.State.Members.FeatureLevel);
    }

    [Fact]
    public void Learner_is_promoted_once()
    {
        Applied<MemberAddResponse>(Kind.Add, Learner(4));
        Assert.True(_store.State.Members.ById[4].IsLearner);

        var promoted = Applied<MemberPromoteResponse>(Kind.Promote, Id(4));

        Assert.False(promoted.Members[3].IsLearner);
        Assert.Equal(EtcdError.NotLearner, Refused(Kind.Promote, Id(4)));
        Assert.Equal(EtcdError.NotLearner, Refused(Kind.Promote, Id(1)));
        Assert.Equal(EtcdError.MemberNotFound, Refused(Kind.Promote, Id(9)));
    }

    [Fact]
    public void Second_learner_is_refused()
    {
        Applied<MemberAddResponse>(Kind.Add, Learner(4));

        Assert.Equal(EtcdError.TooManyLearners, Refused(Kind.Add, Learner(5)));
        Applied<MemberAddResponse>(Kind.Add, New(5));
    }

    [Fact]
    public void Known_ids_and_urls_are_refused()
    {
        Assert.Equal(EtcdError.MemberExists, Refused(Kind.Add, Named(1, "a")));
        Assert.Equal(EtcdError.PeerUrlExists, Refused(Kind.Add, new Member { ID = 4, PeerURLs = { "http://host4:2380", "http://host2:2380" } }));
        Assert.Equal(EtcdError.PeerUrlExists, Refused(Kind.Update, new Member { ID = 1, PeerURLs = { "http://host2:2380" } }));
    }

    [Fact]
    public void Removed_member_never_comes_back()
    {
        var removed = Applied<MemberRemoveResponse>(Kind.Remove, Id(2));

        Assert.Equal([1UL, 3], removed.Members.Select(static member => member.ID));
        Assert.True(_store.State.Members.IsTaken(2));
        Assert.Equal(EtcdError.MemberNotFound, Refused(Kind.Remove, Id(2)));
        Assert.Equal(EtcdError.MemberNotFound, Refused(Kind.Add, New(2)));
        Assert.Equal(EtcdError.MemberNotFound, Refused(Kind.Publish, Named(2, "b")));
        Assert.Equal(EtcdError.MemberNotFound, Refused(Kind.Remove, Id(9)));
    }

    [Fact]
    public void Urls_of_a_removed_member_are_free_again()
    {
        Applied<MemberRemoveResponse>(Kind.Remove, Id(2));

        Applied<MemberAddResponse>(Kind.Add, new Member { ID = 4, PeerURLs = { "http://host2:2380" } });
    }

    [Fact]
    public void Update_changes_where_a_member_is_and_keeps_what_it_is_called()
    {
        var updated = Applied<MemberUpdateResponse>(Kind.Update, new Member { ID = 1, PeerURLs = { "http://other:2380", "http://host1:2380" } });

        Assert.Equal(["http://host1:2380", "http://other:2380"], updated.Members[0].PeerURLs);
        Assert.Equal("a", updated.Members[0].Name);
        Assert.Equal(EtcdError.MemberNotFound, Refused(Kind.Update, New(9)));
    }

    [Fact]
    public void Member_publishes_its_name_and_client_urls_when_it_starts()
    {
        Applied<MemberAddResponse>(Kind.Add, New(4));
        Assert.False(_store.State.Members.ById[4].IsStarted);

        Applied<MemberListResponse>(Kind.Publish, new Member { ID = 4, Name = "d", ClientURLs = { "http://host4:2379" } });

        Assert.Equal(
            new Member { ID = 4, Name = "d", PeerURLs = { "http://host4:2380" }, ClientURLs = { "http://host4:2379" } },
            _store.View.Members.ById[4].ToMessage());
    }

    [Fact]
    public void Configuration_counts_with_and_without_a_command_and_with_a_refused_one()
    {
        Assert.Null(Decided(1));
        Assert.Equal([(byte)1], _store.View.Members.Configuration.ToArray());

        Assert.Equal(EtcdError.MemberExists, Decided(2, new MemberCommand { Kind = Kind.Add, Members = { Named(1, "a") } })!.Value.Error);
        Assert.Equal([(byte)2], _store.View.Members.Configuration.ToArray());
        Assert.Equal(3UL, _store.View.AppliedIndex);
    }

    /// <summary>Otherwise somebody would take part whom no call could remove.</summary>
    [Fact]
    public void Whoever_raft_follows_already_is_a_member()
    {
        Assert.Null(Decided(1, new MemberCommand { Kind = Kind.Add, Members = { new Member { ID = 4, PeerURLs = { "http://host2:2380" } } } })!.Value.Error);
        Assert.Null(Decided(2, new MemberCommand { Kind = Kind.Remove, Members = { Id(4) } })!.Value.Error);

        Assert.Equal([1UL, 2, 3], _store.State.Members.ById.Keys);
    }

    [Fact]
    public void Members_survive_a_snapshot()
    {
        Applied<MemberAddResponse>(new MemberCommand { Kind = Kind.Add, Pending = true, Members = { New(4) } });
        Applied<MemberAddResponse>(Kind.Add, Learner(5));
        Applied<MemberRemoveResponse>(Kind.Remove, Id(2));
        Decided(77);

        MemberTable restored = KeyspaceSnapshot.Restored(_store.View).Members;

        Assert.Equal(_store.State.Members.Messages, restored.Messages);
        Assert.Equal([4UL], restored.ById.Values.Where(static member => member.IsPending).Select(static member => member.Id));
        Assert.Equal([2UL], restored.Removed);
        Assert.Equal(_store.State.Members.Configuration.ToArray(), restored.Configuration.ToArray());
    }

    private T Applied<T>(Kind kind, params Member[] members) => Applied<T>(new MemberCommand { Kind = kind, Members = { members } });

    private T Applied<T>(MemberCommand command)
    {
        CommandResult result = Apply(command);
        Assert.Null(result.Error);
        return Assert.IsType<T>(result.Response);
    }

    private EtcdError? Refused(Kind kind, Member member)
    {
        Member[] before = [.. _store.State.Members.Messages];

        EtcdError? error = Apply(new MemberCommand { Kind = kind, Members = { member } }).Error;

        Assert.Equal(before, _store.State.Members.Messages);
        return error;
    }

    private CommandResult Apply(MemberCommand command) =>
        _store.State.Apply(_store.State.AppliedIndex + 1, new Command(CommandKind.Member, command));

    private CommandResult? Decided(byte configuration, MemberCommand? command = null) => _store.State.ApplyMembers(
        _store.State.AppliedIndex + 1, command is null ? null : new Command(CommandKind.Member, command), new[] { configuration });

    private static Member Id(ulong id) => new() { ID = id };

    private static Member New(ulong id) => new() { ID = id, PeerURLs = { $"http://host{id}:2380" } };

    private static Member Learner(ulong id) => new() { ID = id, PeerURLs = { $"http://host{id}:2380" }, IsLearner = true };

    private static Member Named(ulong id, string name) => new() { ID = id, Name = name, PeerURLs = { $"http://host{id}:2380" } };
}
