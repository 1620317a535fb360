using System.Globalization;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Store.Tests.Api;

/// <summary>Requests from a seed, over few keys and leases so that they meet; some of them wrong.</summary>
internal sealed class RandomRequests(int seed)
{
    private static readonly string[] Keys = ["a", "aa", "ab", "b", "ba", "c", "\0", "\u00ff"];

    private readonly Random _random = new(seed);

    /// <summary>
    /// The path, and the request; revisions are near the current one. No compaction at 0: etcd takes the first of a
    /// fresh store as one and refuses the second, and neither means anything.
    /// </summary>
    public (string Path, IMessage Request) Next(long revision) => _random.Next(100) switch
    {
        < 34 => ("/etcdserverpb.KV/Put", Put()),
        < 46 => ("/etcdserverpb.KV/DeleteRange", Delete()),
        < 68 => ("/etcdserverpb.KV/Range", Range(revision)),
        < 84 => ("/etcdserverpb.KV/Txn", Txn(revision, depth: 0)),
        < 86 => ("/etcdserverpb.KV/Compact", new CompactionRequest { Revision = Math.Max(1, Near(revision)), Physical = true }),
        < 91 => ("/etcdserverpb.Lease/LeaseGrant", new LeaseGrantRequest { ID = Lease(), TTL = _random.Next(20) == 0 ? 9_000_000_001 : 1_000 }),
        < 94 => ("/etcdserverpb.Lease/LeaseRevoke", new LeaseRevokeRequest { ID = Lease() }),
        < 98 => ("/etcdserverpb.Lease/LeaseTimeToLive", new LeaseTimeToLiveRequest { ID = Lease(), Keys = Maybe(2) }),
        _ => ("/etcdserverpb.Lease/LeaseLeases", new LeaseLeasesRequest()),
    };

    private PutRequest Put() => new()
    {
        Key = Key(emptyOnceIn: 40),
        Value = Maybe(8) ? ByteString.Empty : Value(),
        Lease = Maybe(4) ? Lease() : 0,
        PrevKv = Maybe(3),
        IgnoreValue = Maybe(12),
        IgnoreLease = Maybe(12),
    };

    private DeleteRangeRequest Delete() => new() { Key = Key(emptyOnceIn: 40), RangeEnd = End(), PrevKv = Maybe(2) };

    private RangeRequest Range(long revision) => new()
    {
        Key = Key(emptyOnceIn: 40),
        RangeEnd = End(),
        Limit = Maybe(3) ? _random.Next(-1, 4) : 0,
        Revision = Maybe(3) ? Near(revision) : 0,
        SortOrder = (RangeRequest.Types.SortOrder)_random.Next(3),
        SortTarget = (RangeRequest.Types.SortTarget)_random.Next(5),
        Serializable = Maybe(3),
        KeysOnly = Maybe(5),
        CountOnly = Maybe(8),
        MinModRevision = Maybe(8) ? Near(revision) : 0,
        MaxModRevision = Maybe(8) ? Near(revision) : 0,
        MinCreateRevision = Maybe(8) ? Near(revision) : 0,
        MaxCreateRevision = Maybe(8) ? Near(revision) : 0,
    };

    private TxnRequest Txn(long revision, int depth)
    {
        var txn = new TxnRequest();
        txn.Compare.AddRange(Some(() => Compare(revision)));
        txn.Success.AddRange(Some(() => Op(revision, depth)));
        txn.Failure.AddRange(Some(() => Op(revision, depth)));
        return txn;
    }

    private RequestOp Op(long revision, int depth) => _random.Next(depth < 2 ? 11 : 9) switch
    {
        < 4 => new() { RequestPut = Put() },
        < 6 => new() { RequestDeleteRange = Delete() },
        < 9 => new() { RequestRange = Range(revision) },
        _ => new() { RequestTxn = Txn(revision, depth + 1) },
    };

    private Compare Compare(long revision)
    {
        var compare = new Compare
        {
            Key = Key(emptyOnceIn: 60),
            RangeEnd = Maybe(6) ? End() : ByteString.Empty,
            Result = (Compare.Types.CompareResult)_random.Next(4),
            Target = (Compare.Types.CompareTarget)_random.Next(5),
        };
        switch (compare.Target)
        {
            case EtcdApi.Messages.Compare.Types.CompareTarget.Version:
                compare.Version = _random.Next(4);
                break;
            case EtcdApi.Messages.Compare.Types.CompareTarget.Create:
                compare.CreateRevision = Maybe(3) ? 0 : Near(revision);
                break;
            case EtcdApi.Messages.Compare.Types.CompareTarget.Mod:
                compare.ModRevision = Maybe(3) ? 0 : Near(revision);
                break;
            case EtcdApi.Messages.Compare.Types.CompareTarget.Value:
                compare.Value = Value();
                break;
            default:
                compare.Lease = Maybe(2) ? 0 : Lease();
                break;
        }

        return compare;
    }

    private IEnumerable<T> Some<T>(Func<T> make) => [.. Enumerable.Range(0, _random.Next(4)).Select(_ => make())];

    private ByteString Key(int emptyOnceIn) =>
        Maybe(emptyOnceIn) ? ByteString.Empty : ByteString.CopyFrom(Keys[_random.Next(Keys.Length)], System.Text.Encoding.Latin1);

    private ByteString End() => _random.Next(6) switch
    {
        < 3 => ByteString.Empty,
        3 => ByteString.CopyFrom(0),
        _ => Key(emptyOnceIn: 1_000),
    };

    private ByteString Value() => ByteString.CopyFromUtf8(_random.Next(4).ToString(CultureInfo.InvariantCulture));

    private long Lease() => _random.Next(1, 6);

    private long Near(long revision) => Math.Max(0, revision - _random.Next(-2, 30));

    private bool Maybe(int onceIn) => _random.Next(onceIn) == 0;
}
