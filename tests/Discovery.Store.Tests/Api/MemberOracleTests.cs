using System.Globalization;
using System.Text.RegularExpressions;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Store.Tests.Api;

/// <summary>
/// Goal: member calls are answered as etcd answers them. How: the same calls go to one member of each, and answers are
/// compared but for ids and terms. Left out is the update of a learner, after which etcd shows it as a voter.
/// </summary>
public sealed partial class MemberOracleTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private TestStore _ours = null!;
    private RealEtcd _theirs = null!;

    public async Task InitializeAsync()
    {
        _theirs = await RealEtcd.StartAsync();
        _ours = await TestStore.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _ours.DisposeAsync();
        await _theirs.DisposeAsync();
    }

    [Fact]
    public async Task Calls_have_etcds_answers()
    {
        List<string> ours = await AskAllAsync(_ours.Channel);
        List<string> theirs = await AskAllAsync(_theirs.Channel);

        Assert.Equal(string.Join('\n', theirs), string.Join('\n', ours));
    }

    private static async Task<List<string>> AskAllAsync(GrpcChannel channel)
    {
        var told = new List<string>();
        MemberListResponse list = await channel.UnaryAsync(
            "/etcdserverpb.Cluster/MemberList", new MemberListRequest(), MemberListResponse.Parser, null, Patience, CancellationToken.None);
        Member self = Assert.Single(list.Members);
        ulong added = 0;

        await AddAsync(["bad"]);
        await AddAsync([]);
        await AddAsync(["http://127.0.0.1"]);
        await AddAsync(["http://127.0.0.1:1/x"]);
        await AddAsync(["http://127.0.0.1:1/"]);
        await AddAsync(["ftp://127.0.0.1:1"]);
        await AddAsync([self.PeerURLs[0]]);
        await AddAsync([self.PeerURLs[0]], isLearner: true);
        await RemoveAsync(1);
        await PromoteAsync(1);
        await PromoteAsync(self.ID);
        await UpdateAsync(1, "http://127.0.0.1:9");
        await AddAsync(["http://127.0.0.1:2", "http://127.0.0.1:1"], isLearner: true);
        await AddAsync(["http://127.0.0.1:3"], isLearner: true);
        await AddAsync(["http://127.0.0.1:1"]);
        await UpdateAsync(added, self.PeerURLs[0]);
        await UpdateAsync(self.ID, "http://127.0.0.1:2");
        await UpdateAsync(self.ID, self.PeerURLs[0]);
        await MoveLeaderAsync(added);
        await MoveLeaderAsync(1);
        await MoveLeaderAsync(self.ID);
        await RemoveAsync(added);
        await RemoveAsync(added);
        await PromoteAsync(added);
        await UpdateAsync(added, "http://127.0.0.1:5");
        return told;

        async Task AddAsync(string[] urls, bool isLearner = false)
        {
            MemberAddResponse? response = await AskAsync(
                "Cluster/MemberAdd", new MemberAddRequest { PeerURLs = { urls }, IsLearner = isLearner }, MemberAddResponse.Parser);
            added = response?.Member.ID ?? added;
        }

        Task RemoveAsync(ulong id) => AskAsync("Cluster/MemberRemove", new MemberRemoveRequest { ID = id }, MemberRemoveResponse.Parser);

        Task PromoteAsync(ulong id) => AskAsync("Cluster/MemberPromote", new MemberPromoteRequest { ID = id }, MemberPromoteResponse.Parser);

        Task UpdateAsync(ulong id, string url) =>
            AskAsync("Cluster/MemberUpdate", new MemberUpdateRequest { ID = id, PeerURLs = { url } }, MemberUpdateResponse.Parser);

        Task MoveLeaderAsync(ulong target) => AskAsync("Maintenance/MoveLeader", new MoveLeaderRequest { TargetID = target }, MoveLeaderResponse.Parser);

        async Task<T?> AskAsync<T>(string method, IMessage request, MessageParser<T> parser)
            where T : class, IMessage<T>
        {
            try
            {
                T response = await channel.UnaryAsync($"/etcdserverpb.{method}", request, parser, null, Patience, CancellationToken.None);
                told.Add($"{method}: {Anonymous(response.ToString()!)}");
                return response;
            }
            catch (GrpcException e)
            {
                told.Add($"{method}: {e.Code}: {e.Message}");
                return null;
            }
        }

        // Members are listed by their ids, which differ: parts are compared in the order of their text.
        string Anonymous(string answer)
        {
            string named = Numbers().Replace(
                answer
                    .Replace($"\"{self.ID.ToString(CultureInfo.InvariantCulture)}\"", "self", StringComparison.Ordinal)
                    .Replace(self.PeerURLs[0], "self-url", StringComparison.Ordinal)
                    .Replace(self.ClientURLs[0], "self-client", StringComparison.Ordinal)
                    .Replace($"\"{self.Name}\"", "self-name", StringComparison.Ordinal),
                "number");
            return string.Join('|', named.Split('{', '}').Order(StringComparer.Ordinal));
        }
    }

    /// <summary>Ids and terms.</summary>
    [GeneratedRegex("\"[0-9]+\"")]
    private static partial Regex Numbers();
}
