using Discovery.Raft;
using Microsoft.Extensions.Logging;

namespace Discovery.Store.Consensus;

/// <summary>A new member's first moments: it takes part once the others have told that it never did before.</summary>
public sealed partial class RaftHost
{
    private readonly PublishedMembers _published = new();
    private Formation? _formation;
    private bool _hasSaidThatItWaits;

    private TimeSpan FormationPatience => Limits.FormationElectionTimeouts * _options.ElectionTimeout;

    private void HoldBack(OpenedData data)
    {
        _published.Note(data.Restored.Entries);
        RaftStatus raft = data.Replica.Raft;
        _formation = data.IsForming ? new Formation([.. raft.Membership.Voters.Where(id => id != raft.Id)], FormationPatience) : null;
        data.Replica.IsHeldBack = data.IsForming;
    }

    /// <summary>Each tick: lets the member take part, or says once what it waits for.</summary>
    private void TakePartWhenAllowed()
    {
        if (_formation is { } formation && formation.MayTakePart(Now))
        {
            TakePart(formation);
        }
        else if (!_hasSaidThatItWaits && Now >= FormationPatience)
        {
            _hasSaidThatItWaits = true;
            if (_formation is not null)
            {
                LogWaits(_log, string.Join(", ", _formation.Silent));
            }
            else if (Status.MemberId == 0)
            {
                string others = string.Join(", ", Bootstrap.From(_options).OtherPeerUrls);
                LogWaitsToBeAdded(_log, others, _options.Name, string.Join(',', _options.EffectiveAdvertisePeerUrls));
            }
        }
    }

    private void TakePart(Formation formation)
    {
        // Durably before the first promise: from then on this member has something to forget.
        FormationMark.Remove(_disk);
        _formation = null;
        Replica.IsHeldBack = false;
        string silent = string.Join(", ", formation.Silent);
        LogTakesPart(_log, silent.Length == 0 ? "all others have answered" : $"{silent} did not answer yet");
        RaftStatus raft = Replica.Raft;
        if (raft.Id == raft.Membership.Voters.MinBy(static id => id.Value))
        {
            // Somebody has to be first; that need not take an election timeout.
            Replica.Campaign();
        }
    }

    [LoggerMessage(1036, LogLevel.Information, "This new member takes part from now on: {Heard}.")]
    private static partial void LogTakesPart(ILogger logger, string heard);

    [LoggerMessage(1038, LogLevel.Warning, "This node waits to become a member: no leader of the cluster at {Others} has asked for it. There: etcdctl member add {Name} --peer-urls={Urls}")]
    private static partial void LogWaitsToBeAdded(ILogger logger, string others, string name, string urls);

    [LoggerMessage(1037, LogLevel.Warning, "This new member waits for others before it votes, for nobody can say otherwise whether it voted before: {Silent} did not answer. Start them, or check --initial-cluster.")]
    private static partial void LogWaits(ILogger logger, string silent);
}
