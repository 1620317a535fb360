using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Checks;
using Discovery.Store.Keyspace;
using Google.Protobuf;

namespace Discovery.Simulator.Tests.Checks;

/// <summary>One member's keyspace, with everything it publishes told to the checkers; every change takes a second.</summary>
internal sealed class TestKeyspace
{
    private ulong _index;

    public TestKeyspace()
    {
        History = new RevisionHistory(Position);
        Leases = new LeaseCheck(Position, History, new LeaseTolerance(0.1, TimeSpan.FromSeconds(5)));
    }

    public RunPosition Position { get; } = new();

    public RevisionHistory History { get; }

    public LeaseCheck Leases { get; }

    public KeyspaceState State { get; private set; } = new();

    public KeyspaceView View => State.Publish();

    public static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    public static PutRequest PutOf(string key, string value, long lease = 0) => new() { Key = Bytes(key), Value = Bytes(value), Lease = lease };

    public long Put(string key, string value, long lease = 0) => Apply(CommandKind.Put, PutOf(key, value, lease));

    public long Delete(string key) => Apply(CommandKind.DeleteRange, new DeleteRangeRequest { Key = Bytes(key) });

    public long Grant(long id, long ttl) => Apply(CommandKind.LeaseGrant, new LeaseGrantRequest { ID = id, TTL = ttl });

    public long Revoke(long id) => Apply(CommandKind.LeaseRevoke, new LeaseRevokeRequest { ID = id });

    public long Compact(long revision) => Apply(CommandKind.Compact, new CompactionRequest { Revision = revision });

    /// <summary>Applies and publishes; the revision after it.</summary>
    public long Apply(CommandKind kind, IMessage request)
    {
        Assert.Null(State.Apply(++_index, new Command(kind, request)).Error);
        Position.Now += TimeSpan.FromSeconds(1);
        Publish();
        return State.Revision;
    }

    public void Publish()
    {
        KeyspaceView view = View;
        History.Read(this, view);
        Leases.Read(view);
    }

    /// <summary>Time passes and nothing happens.</summary>
    public void Wait(double seconds)
    {
        Position.Now += TimeSpan.FromSeconds(seconds);
        Leases.Tick();
    }
}
