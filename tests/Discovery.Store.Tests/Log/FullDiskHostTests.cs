using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;
using Discovery.Testing;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace Discovery.Store.Tests.Log;

/// <summary>What clients see of a disk that is full.</summary>
public sealed class FullDiskHostTests
{
    [Fact]
    public async Task Writes_that_grow_are_refused_while_the_disk_is_full_and_taken_once_there_is_room()
    {
        var disk = new MemoryDisk();
        var options = new StoreOptions { DataDir = "unused", Name = "one", SegmentBytes = 64 * 1024 };
        await using RaftHost host = RaftHost.Open(options, TimeProvider.System, NullLoggerFactory.Instance, disk);
        CommandResult last = await Put(host, 0);
        disk.Meet = static (what, path) =>
        {
            if (what == "grow" && path.EndsWith(".tmp", StringComparison.Ordinal))
            {
                throw new IOException("No space left on device");
            }
        };

        for (int i = 1; last.Error is null && i < 10_000; i++)
        {
            last = await Put(host, i);
        }

        Assert.Equal(EtcdError.NoSpace, last.Error);
        Assert.True(host.IsDiskFull);
        Assert.Null((await host.ProposeAsync(new Command(CommandKind.DeleteRange, new DeleteRangeRequest { Key = KeyOf(0) }), default)).Error);
        Assert.False(host.Completion.IsCompleted);

        disk.Meet = null;
        await Eventually.HoldsAsync(async () => (await Put(host, 1)).Error is null, () => "writes are refused");
    }

    private static ByteString KeyOf(int i) => ByteString.CopyFromUtf8($"key {i % 10}");

    private static ValueTask<CommandResult> Put(RaftHost host, int i) => host.ProposeAsync(
        new Command(CommandKind.Put, new PutRequest { Key = KeyOf(i), Value = ByteString.CopyFrom(new byte[300]) }), default);
}
