using Discovery.Catalog;
using Discovery.EtcdApi.Messages;
using Discovery.Testing;
using Google.Protobuf;

namespace Discovery.Cluster.Tests;

/// <summary>Every member is as good as any other for a client.</summary>
public abstract class FollowerTests(StoreEngine engine)
{
    [Fact]
    public async Task Followers_take_writes_and_read_what_others_have_just_written()
    {
        await using RunningCluster cluster = await RunningCluster.StartAsync(new() { Engine = engine });
        StoreClient[] clients = [.. cluster.Endpoints.Select(static e => new StoreClient(StoreAddress.Parse($"etcd://{e.Authority}")))];
        try
        {
            var key = ByteString.CopyFromUtf8("/key");
            for (int i = 0; i < 60; i++)
            {
                var value = ByteString.CopyFromUtf8($"{i}");
                PutResponse put = await clients[i % 3].PutAsync(new PutRequest { Key = key, Value = value }, CancellationToken.None);
                RangeResponse got = await clients[(i + 1) % 3].RangeAsync(new RangeRequest { Key = key }, CancellationToken.None);

                Assert.Equal(value, got.Kvs.Single().Value);
                Assert.Equal(put.Header.Revision, got.Kvs.Single().ModRevision);
                Assert.Equal(put.Header.ClusterId, got.Header.ClusterId);
                Assert.NotEqual(put.Header.MemberId, got.Header.MemberId);
            }
        }
        finally
        {
            foreach (StoreClient client in clients)
            {
                client.Dispose();
            }
        }
    }
}

/// <summary>Against ours.</summary>
public sealed class FollowerOnBundledStoreTests() : FollowerTests(StoreEngine.Bundled);

/// <summary>Against Debian's etcd: the proof, in every run, that these clusters are formed as etcd's are.</summary>
public sealed class FollowerOnEtcdTests() : FollowerTests(StoreEngine.Etcd);
