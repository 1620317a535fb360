using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Api;
using Google.Protobuf;

namespace Discovery.Store.Tests.Api;

public sealed class AdmissionTests
{
    [Fact]
    public void Learner_serves_its_status_and_reads_of_its_own_state_only()
    {
        var learner = new Admission(static () => false, static () => true, static () => true);

        learner.Check(new StatusRequest(), wantsLeader: false);
        learner.Check(new RangeRequest { Serializable = true }, wantsLeader: true);
        foreach (IMessage other in new IMessage[] { new RangeRequest(), new PutRequest(), new MemberListRequest(), new AlarmRequest() })
        {
            Refuses(EtcdError.NotForLearner, () => learner.Check(other, wantsLeader: false));
        }

        Refuses(EtcdError.NotForLearner, () => learner.CheckStream(wantsLeader: false));
    }

    [Fact]
    public void Node_that_is_no_member_yet_serves_nothing()
    {
        var nobody = new Admission(static () => true, static () => false, static () => false);

        Refuses(EtcdError.NoLeader, () => nobody.Check(new StatusRequest(), wantsLeader: false));
        Refuses(EtcdError.NoLeader, () => nobody.Check(new RangeRequest { Serializable = true }, wantsLeader: false));
        Refuses(EtcdError.NoLeader, () => nobody.CheckStream(wantsLeader: false));
    }

    [Fact]
    public void Client_that_wants_a_leader_is_told_when_there_is_none()
    {
        bool hasLeader = false;
        var voter = new Admission(static () => false, static () => false, () => hasLeader);

        voter.Check(new RangeRequest { Serializable = true }, wantsLeader: false);
        Refuses(EtcdError.NoLeader, () => voter.Check(new RangeRequest { Serializable = true }, wantsLeader: true));
        Refuses(EtcdError.NoLeader, () => voter.CheckStream(wantsLeader: true));

        hasLeader = true;
        voter.Check(new PutRequest(), wantsLeader: true);
        voter.CheckStream(wantsLeader: true);
    }

    [Fact]
    public void Leader_is_wanted_only_by_who_says_so()
    {
        Assert.True(Admission.WantsLeader("true"));
        Assert.False(Admission.WantsLeader("True"));
        Assert.False(Admission.WantsLeader(null));
    }

    private static void Refuses(EtcdError wanted, Action call)
    {
        var e = Assert.Throws<GrpcException>(call);
        Assert.True(wanted.Is(e), e.Message);
    }
}
