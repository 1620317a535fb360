using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Kind = Discovery.EtcdApi.Messages.MemberCommand.Types.Kind;

namespace Discovery.Store.Keyspace;

/// <summary>
/// Which changes of members etcd refuses, and how. <see cref="Check"/> holds wherever a change is applied; the others
/// are what a leader knows more (etcd's strict reconfiguration check), asked before it proposes.
/// </summary>
public static class MemberRules
{
    /// <summary>Null when the change can be applied to these members (etcd: ValidateConfigurationChange).</summary>
    public static EtcdError? Check(MemberTable members, MemberCommand command)
    {
        EtcdError? unknown = CheckId(members, command);
        if (unknown is not null || command.Kind == Kind.Bootstrap)
        {
            return unknown;
        }

        Member given = command.Members[0];
        MemberRecord? known = members.ById.GetValueOrDefault(given.ID);
        return command.Kind switch
        {
            Kind.Add or Kind.Update when HasPeerUrl(members, given) => EtcdError.PeerUrlExists,
            Kind.Add when given.IsLearner && members.ById.Values.Count(static member => member.IsLearner) + 1 > Limits.LearnersMax => EtcdError.TooManyLearners,
            Kind.Promote when !(command.Pending ? known!.IsPending : known!.IsLearner) => EtcdError.NotLearner,
            _ => null,
        };
    }

    /// <summary>Null when the members whom the change is about are there, or are not, as it needs.</summary>
    public static EtcdError? CheckId(MemberTable members, MemberCommand command)
    {
        if (command.Kind == Kind.Bootstrap)
        {
            return members.ById.IsEmpty && command.Members.DistinctBy(static member => member.ID).Count() == command.Members.Count
                ? null
                : EtcdError.MemberExists;
        }

        // etcd says of a removed id what it says of an unknown one, whatever is to be done with it.
        if (command.Members.Count != 1 || members.Removed.Contains(command.Members[0].ID))
        {
            return EtcdError.MemberNotFound;
        }

        bool isKnown = members.ById.ContainsKey(command.Members[0].ID);
        return command.Kind switch
        {
            Kind.Add => isKnown ? EtcdError.MemberExists : null,
            Kind.Remove or Kind.Promote or Kind.Update or Kind.Publish when isKnown => null,
            _ => EtcdError.MemberNotFound,
        };
    }

    /// <summary>
    /// Null when a leader may add the member: with it, a majority must have started, and every voter must be heard of,
    /// or the next failure could stop the cluster. The first addition to a single member is always taken.
    /// </summary>
    /// <param name="members">The members before.</param>
    /// <param name="isLearner">A learner needs no majority; that everybody is heard of it needs too.</param>
    /// <param name="isActive">Whether a voter is connected to the leader, or is the leader.</param>
    public static EtcdError? CheckAdd(MemberTable members, bool isLearner, Func<ulong, bool> isActive)
    {
        int voters = Voters(members).Count();
        int started = Voters(members).Count(static member => member.IsStarted);
        bool isFirstAddition = started == 1 && voters == 1;
        return !isLearner && !isFirstAddition && started < MajorityOf(voters + 1) ? EtcdError.NotEnoughStarted
            : Voters(members).All(member => isActive(member.Id)) ? null
            : EtcdError.Unhealthy;
    }

    /// <summary>Null when a leader may remove the member: a majority of the others must have started, and must be left connected.</summary>
    /// <param name="members">The members before.</param>
    /// <param name="id">Who is to go.</param>
    /// <param name="isActive">Whether a voter is connected to the leader, or is the leader.</param>
    public static EtcdError? CheckRemove(MemberTable members, ulong id, Func<ulong, bool> isActive)
    {
        if (members.ById.TryGetValue(id, out MemberRecord? leaving) && leaving.IsLearner)
        {
            return null;
        }

        int voters = Voters(members).Count();
        MemberRecord[] others = [.. Voters(members).Where(member => member.Id != id)];
        if (others.Count(static member => member.IsStarted) < MajorityOf(others.Length))
        {
            return EtcdError.NotEnoughStarted;
        }

        // Who is away already is not part of the majority that works; its going only helps.
        int active = Voters(members).Count(member => isActive(member.Id));
        return !isActive(id) || active - 1 >= 1 + ((voters - 1) / 2) ? null : EtcdError.Unhealthy;
    }

    /// <summary>Null when a leader may promote the member: it has caught up, and with it a majority has started.</summary>
    /// <param name="members">The members before.</param>
    /// <param name="id">Who is to vote.</param>
    /// <param name="match">Index up to which it holds the log; null when the leader sends it nothing.</param>
    /// <param name="leaderMatch">The same of the leader.</param>
    public static EtcdError? CheckPromote(MemberTable members, ulong id, ulong? match, ulong leaderMatch)
    {
        int started = 1 + Voters(members).Count(static member => member.IsStarted);
        return match is null || !members.ById.ContainsKey(id) ? EtcdError.MemberNotFound
            : !IsCaughtUp(match.Value, leaderMatch) ? EtcdError.LearnerNotReady
            : started < MajorityOf(Voters(members).Count() + 1) ? EtcdError.NotEnoughStarted
            : null;
    }

    /// <summary>Whether a log is near enough to the leader's for its member to vote: nine tenths of it (etcd: readyPercent).</summary>
    public static bool IsCaughtUp(ulong match, ulong leaderMatch) => match >= leaderMatch - (leaderMatch / 10);

    /// <summary>Whether a member can be handed the lead.</summary>
    public static EtcdError? CheckTransfer(MemberTable members, ulong target) =>
        members.ById.TryGetValue(target, out MemberRecord? member) && !member.IsLearner && !member.IsPending ? null : EtcdError.BadTransferee;

    /// <summary>Voters as etcd counts them: those that wait to become one too.</summary>
    private static IEnumerable<MemberRecord> Voters(MemberTable members) => members.ById.Values.Where(static member => !member.IsLearner);

    private static bool HasPeerUrl(MemberTable members, Member given) =>
        members.ById.Values.Any(other => other.Id != given.ID && other.PeerUrls.Intersect(given.PeerURLs).Any());

    private static int MajorityOf(int voters) => (voters / 2) + 1;
}
