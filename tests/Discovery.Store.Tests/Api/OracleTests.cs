using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Tests.Watch;
using Google.Protobuf;

namespace Discovery.Store.Tests.Api;

/// <summary>
/// Goal: no client can tell our answers from etcd's. How: the same random requests go to both, one by one, and every
/// answer or error must be the same; at the end so must the history that a watch tells. The oracle is etcd 3.4, and
/// nothing that is asked here differs in 3.5.
/// </summary>
public sealed class OracleTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public async Task The_same_requests_have_the_same_answers_as_from_etcd(int seed)
    {
        await using TestStore ours = await TestStore.StartAsync();
        await using RealEtcd theirs = await RealEtcd.StartAsync();
        var requests = new RandomRequests(seed);
        (long revision, long compacted, int answered) = (1, 0, 0);
        for (int i = 0; i < 2_000; i++)
        {
            (string path, IMessage request) = requests.Next(revision);
            (string found, long at) = await AskAsync(ours.Channel, path, request);
            (string wanted, _) = await AskAsync(theirs.Channel, path, request);

            Assert.True(
                found == wanted,
                $"seed {seed}, request {i}: {path} {request}\nwanted {wanted}\nfound  {found}");
            answered += at > 0 ? 1 : 0;
            revision = Math.Max(revision, at);
            compacted = request is CompactionRequest compaction && at > 0 ? compaction.Revision : compacted;
        }

        Assert.True(answered > 1_000, $"seed {seed}: only {answered} requests were good ones");
        List<string> told = await HistoryAsync(ours.Channel, compacted + 1, revision);
        List<string> toldByEtcd = await HistoryAsync(theirs.Channel, compacted + 1, revision);
        Assert.Equal(toldByEtcd.Count, told.Count);
        Assert.All(told.Zip(toldByEtcd), pair => Assert.True(pair.First == pair.Second, $"seed {seed}\nwanted {pair.Second}\nfound  {pair.First}"));
    }

    private static async Task<List<string>> HistoryAsync(GrpcChannel channel, long from, long to)
    {
        var history = new List<string>();
        if (from > to)
        {
            return history;
        }

        await using TestWatch watch = TestWatch.On(channel);
        await watch.CreateAsync(new() { RangeEnd = ByteString.CopyFrom(0), StartRevision = from, PrevKv = true });
        for (long at = 0; at < to;)
        {
            foreach (Event one in (await watch.NextAsync()).Events)
            {
                history.Add(one.ToString());
                at = one.Kv.ModRevision;
            }
        }

        return history;
    }

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
