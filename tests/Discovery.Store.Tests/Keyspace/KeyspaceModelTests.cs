using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Keyspace;
using Xunit.Abstractions;
using static Discovery.Store.Tests.Keyspace.KeyspaceDriver;
using CompareResult = Discovery.EtcdApi.Messages.Compare.Types.CompareResult;
using CompareTarget = Discovery.EtcdApi.Messages.Compare.Types.CompareTarget;

namespace Discovery.Store.Tests.Keyspace;

/// <summary>
/// Goal: the real keyspace and the naive one never differ, at any revision, before and after trimming and a restore from
/// its own bytes. How: random commands to both, the same seed the same commands.
/// </summary>
public sealed class KeyspaceModelTests(ITestOutputHelper output)
{
    private static readonly int Fresh = Environment.TickCount;

    public static TheoryData<int> Seeds => [1, 2, 3, 4, 5, 6, 7, 8, Fresh, Fresh + 1];

    [Theory, MemberData(nameof(Seeds))]
    public void Random_commands_leave_both_keyspaces_equal(int seed)
    {
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var real = new KeyspaceDriver();
        var naive = new NaiveStore();

        for (int step = 0; step < 600; step++)
        {
            Step(random, real, naive);
            Assert.Equal(naive.Revision, real.State.Revision);
            if (step % 50 == 0)
            {
                real.State = KeyspaceSnapshot.Restored(real.View);
            }

            if (step % 20 == 0)
            {
                Compare(random, real, naive);
            }
        }

        real.State.Trim(int.MaxValue);
        Compare(random, real, naive);
    }

    private static void Step(Random random, KeyspaceDriver real, NaiveStore naive)
    {
        string key = Key(random);
        string other = Key(random) + "x";
        string value = $"{random.Next(1000)}";
        long lease = random.Next(4);
        switch (random.Next(20))
        {
            case < 9:
                CommandResult put = real.Apply(
                    CommandKind.Put, new PutRequest { Key = Bytes(key), Value = Bytes(value), Lease = lease });
                Assert.Equal(naive.Put(key, value, lease), put.Error?.Text);
                break;
            case < 12:
                string end = random.Next(3) == 0 ? Key(random) : key + "~";
                Assert.Equal(naive.Delete(key, end), real.Delete(key, end).Deleted);
                break;
            case < 15:
                Assert.Equal(naive.Txn(key, other, value), real.Txn(IfExists(key, other, value)).Succeeded);
                break;
            case 15:
                bool granted = real.Refused(CommandKind.LeaseGrant, new LeaseGrantRequest { ID = lease + 1, TTL = 60 }) is null;
                Assert.Equal(naive.Grant(lease + 1), granted);
                break;
            case 16:
                bool revoked = real.Refused(CommandKind.LeaseRevoke, new LeaseRevokeRequest { ID = lease + 1 }) is null;
                Assert.Equal(naive.Revoke(lease + 1), revoked);
                break;
            case 17:
                long revision = naive.Compacted + random.Next((int)(naive.Revision - naive.Compacted) + 3);
                if (revision > 0)
                {
                    CommandResult compacted = real.Apply(CommandKind.Compact, new CompactionRequest { Revision = revision });
                    Assert.Equal(naive.Compact(revision), compacted.Error?.Text);
                }

                break;
            default:
                real.State.Trim(random.Next(30));
                break;
        }
    }

    private static void Compare(Random random, KeyspaceDriver real, NaiveStore naive)
    {
        KeyspaceView view = real.View;
        for (long revision = Math.Max(1, naive.Compacted - 1); revision <= naive.Revision + 1; revision++)
        {
            Assert.Equal(naive.Range("", "~", revision), Read(view, "\0", "~", revision));
        }

        string from = Key(random);
        string to = Key(random);
        Assert.Equal(naive.Range(from, to, naive.Revision), Read(view, from, to, 0));
        Assert.Equal(
            naive.Range(from, to, naive.Revision).Count(c => c == ';'),
            view.Range(new RangeRequest { Key = Bytes(from), RangeEnd = Bytes(to), CountOnly = true }).Count);
        Assert.Equal(
            naive.Events.Where(e => e.Revision >= naive.Compacted).Select(e => $"{e.Revision} {e.Text}"),
            view.EventsFrom(naive.Compacted).SelectMany(
                r => r.Events.Select(e => $"{r.Revision} {(e.IsDelete ? "del" : "put")} {e.Kv.Key.ToStringUtf8()}")));
    }

    private static string Read(KeyspaceView view, string from, string to, long revision)
    {
        try
        {
            return NaiveStore.Text(view.Range(new RangeRequest { Key = Bytes(from), RangeEnd = Bytes(to), Revision = revision }).Kvs);
        }
        catch (GrpcException e)
        {
            return e.Message;
        }
    }

    private static TxnRequest IfExists(string key, string other, string value) => new()
    {
        Compare = { new Compare { Key = Bytes(key), Target = CompareTarget.Version, Result = CompareResult.Greater } },
        Success = { DeleteOp(other, other + "~") },
        Failure = { PutOp(key, value), PutOp(other, value) },
    };

    /// <summary>Few enough to meet again, enough for a tree of several levels.</summary>
    private static string Key(Random random) => $"{(char)('a' + random.Next(26))}{random.Next(60)}";
}
