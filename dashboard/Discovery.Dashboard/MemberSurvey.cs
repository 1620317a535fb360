using Discovery.Catalog;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;

namespace Discovery.Dashboard;

/// <summary>
/// Asks every member how it is. The endpoints that were configured are asked first, since they certainly are reachable
/// from here; a member that none of them is, is asked at the URLs that it advertises.
/// </summary>
/// <remarks>One survey at a time; remembers the last list of members, for when a lost quorum cannot tell.</remarks>
internal sealed class MemberSurvey(StoreClient store, TimeProvider time)
{
    private IReadOnlyList<Member> _members = [];

    /// <summary>Never fails: what could not be asked is said in the answer.</summary>
    public async Task<StoreMembers> AskAsync(CancellationToken cancellation)
    {
        string? problem = null;
        Task<Answer>[] endpoints = [.. store.Address.Endpoints.Select(e => AskAsync(e, cancellation))];
        try
        {
            using var deadline = Deadline(cancellation);
            _members = [.. (await store.MemberListAsync(deadline.Token)).Members];
        }
        catch (GrpcException e)
        {
            problem = e.Message;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            problem = $"no answer within {Limits.SurveyTimeout.TotalSeconds:0} s";
        }

        Answer[] known = await Task.WhenAll(endpoints);
        MemberState[] states = await Task.WhenAll(_members.Select(m => StateAsync(m, known, cancellation)));
        return new()
        {
            All = states.OrderBy(static m => m.Label, StringComparer.Ordinal).ToEquatableArray(),
            Problem = problem,
            AskedAt = time.GetUtcNow(),
        };
    }

    private async Task<MemberState> StateAsync(Member member, Answer[] known, CancellationToken cancellation)
    {
        Answer? found = known.FirstOrDefault(a => a.Status?.Header.MemberId == member.ID);
        string problem = "it advertises no client URL";
        foreach (string url in member.ClientURLs)
        {
            if (found is not null || !Uri.TryCreate(url, UriKind.Absolute, out Uri? address))
            {
                continue;
            }

            Answer answer = known.FirstOrDefault(a => a.Endpoint == address) ?? await AskAsync(address, cancellation);
            // Behind a port that was mapped or reused another member may answer.
            found = answer.Status?.Header.MemberId == member.ID ? answer : null;
            problem = answer.Problem ?? $"{address.Authority} is another member";
        }

        return From(member, found?.Status, problem);
    }

    private static MemberState From(Member member, StatusResponse? status, string problem)
    {
        var state = new MemberState
        {
            Id = member.ID,
            Name = member.Name,
            ClientUrls = member.ClientURLs.ToEquatableArray(),
            PeerUrls = member.PeerURLs.ToEquatableArray(),
            IsLearner = member.IsLearner,
        };
        return status is null ? state with { Problem = problem } : state with
        {
            Version = status.Version,
            LeaderId = status.Leader,
            Term = status.RaftTerm,
            RaftIndex = status.RaftIndex,
            AppliedIndex = status.RaftAppliedIndex,
            DbSizeBytes = status.DbSize,
            Errors = status.Errors.ToEquatableArray(),
        };
    }

    private async Task<Answer> AskAsync(Uri endpoint, CancellationToken cancellation)
    {
        using var deadline = Deadline(cancellation);
        try
        {
            return new(endpoint, await store.StatusAsync(endpoint, deadline.Token), null);
        }
        catch (GrpcException e)
        {
            return new(endpoint, null, e.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new(endpoint, null, $"{endpoint.Authority} did not answer within {Limits.SurveyTimeout.TotalSeconds:0} s");
        }
    }

    private static CancellationTokenSource Deadline(CancellationToken cancellation)
    {
        var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(Limits.SurveyTimeout);
        return deadline;
    }

    private sealed record Answer(Uri Endpoint, StatusResponse? Status, string? Problem);
}
