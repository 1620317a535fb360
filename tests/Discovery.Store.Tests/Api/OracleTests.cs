using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Store.Tests.Api;

/// <summary>
/// Goal: no client can tell our answers from etcd's. How: the same random requests go to both, one by one, and every
/// answer or error must be the same. The oracle is etcd 3.4; where 3.5 differs, an exception here has a name.
/// </summary>
public sealed class OracleTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_same_requests_have_the_same_answers_as_from_etcd(int seed)
    {
        await using RunningStore ours = await RunningStore.StartAsync();
        await using RealEtcd theirs = await RealEtcd.StartAsync();
        var requests = new RandomRequests(seed);
        long revision = 1;
        for (int i = 0; i < 2_000; i++)
        {
            (string path, IMessage request) = requests.Next(revision);
            (string found, long at) = await AskAsync(ours.Channel, path, request);
            (string wanted, _) = await AskAsync(theirs.Channel, path, request);

            Assert.True(
                found == wanted || IsKnown(request, found, wanted),
                $"seed {seed}, request {i}: {path} {request}\nwanted {wanted}\nfound  {found}");
            revision = Math.Max(revision, at);
        }
    }

    /// <summary>Differences that are meant, each by its name.</summary>
    private static bool IsKnown(IMessage request, string found, string wanted) => false;

    private static async Task<(string Answer, long Revision)> AskAsync(GrpcChannel channel, string path, IMessage request)
    {
        try
        {
            return request switch
            {
                PutRequest => await CallAsync(PutResponse.Parser, static r => r.Header),
                DeleteRangeRequest => await CallAsync(DeleteRangeResponse.Parser, static r => r.Header),
                RangeRequest => await CallAsync(RangeResponse.Parser, static r => r.Header),
                TxnRequest => await CallAsync(TxnResponse.Parser, static r => r.Header),
                CompactionRequest => await CallAsync(CompactionResponse.Parser, static r => r.Header),
                LeaseGrantRequest => await CallAsync(LeaseGrantResponse.Parser, static r => r.Header),
                LeaseRevokeRequest => await CallAsync(LeaseRevokeResponse.Parser, static r => r.Header),
                LeaseTimeToLiveRequest => await CallAsync(LeaseTimeToLiveResponse.Parser, Sorted),
                LeaseLeasesRequest => await CallAsync(LeaseLeasesResponse.Parser, Sorted),
                _ => throw new InvalidOperationException(path),
            };
        }
        catch (GrpcException e)
        {
            return ($"{e.Code}: {e.Message}", 0);
        }

        async Task<(string, long)> CallAsync<TResponse>(MessageParser<TResponse> parser, Func<TResponse, ResponseHeader> headerOf)
            where TResponse : class, IMessage<TResponse>
        {
            TResponse response = await channel.UnaryAsync(path, request, parser, null, Patience, CancellationToken.None);
            ResponseHeader header = headerOf(response);
            Assert.True(header.ClusterId != 0 && header.MemberId != 0 && header.RaftTerm != 0, $"{path}: {header}");
            (header.ClusterId, header.MemberId, header.RaftTerm) = (0, 0, 0);
            return (response.ToString()!, header.Revision);
        }
    }

    private static ResponseHeader Sorted(LeaseTimeToLiveResponse response)
    {
        // Seconds pass between two calls; which order keys have is etcd's map's affair.
        response.TTL = response.TTL > 0 ? response.GrantedTTL - (response.GrantedTTL - response.TTL > 60 ? 60 : 0) : response.TTL;
        ByteString[] keys = [.. response.Keys.OrderBy(static key => key.ToBase64(), StringComparer.Ordinal)];
        response.Keys.Clear();
        response.Keys.AddRange(keys);
        return response.Header;
    }

    private static ResponseHeader Sorted(LeaseLeasesResponse response)
    {
        LeaseStatus[] leases = [.. response.Leases.OrderBy(static lease => lease.ID)];
        response.Leases.Clear();
        response.Leases.AddRange(leases);
        return response.Header;
    }
}
