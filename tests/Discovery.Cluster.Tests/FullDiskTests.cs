using Discovery.Catalog;
using Discovery.Cluster.Tests.Setup;
using Discovery.EtcdApi.Messages;
using Discovery.Testing;
using Google.Protobuf;

namespace Discovery.Cluster.Tests;

/// <summary>A member whose disk has no byte left. Needs root.</summary>
public sealed class FullDiskTests
{
    /// <summary>Room for the log segments that an engine fills ahead: etcd's are two of 64 MiB.</summary>
    private const int DiskMebibytes = 160;

    private const int FillerBytes = 256 * 1024;

    [Fact]
    public async Task Member_whose_disk_is_full_gives_up_alone_and_comes_back_once_there_is_room()
    {
        await using SmallDisk disk = await SmallDisk.MountAsync(DiskMebibytes);
        var options = new ClusterOptions { Engine = TestRun.Engine, DataFolders = new Dictionary<string, string> { ["m2"] = disk.DataFolder } };
        await Trial.RunAsync(options, async trial =>
        {
            RunningMember full = trial.Cluster.Members[1];
            for (int round = 0; round < TestRun.Choose(inCi: 1, inLong: 10); round++)
            {
                disk.Fill();
                await WriteUntilItGivesUpAsync(trial, full);
                await trial.Load.GoesOnAsync();

                disk.Free();
                if (full.IsRunning)
                {
                    await full.KillAsync();
                }

                full.StartAgain();
                await full.AnswersAsync();
                await trial.Cluster.CaughtUpAsync();
            }
        });
    }

    /// <summary>Its process ends, or it says in its status that something is wrong; what it may not do is to go on as if nothing were.</summary>
    private static async Task WriteUntilItGivesUpAsync(Trial trial, RunningMember full)
    {
        using StoreClient client = trial.Cluster.NewClient();
        var value = ByteString.CopyFrom(new byte[FillerBytes]);
        await Eventually.HoldsAsync(
            async () =>
            {
                if (!full.IsRunning || (await full.TryStatusAsync())?.Errors.Count > 0)
                {
                    return true;
                }

                // Everywhere the same key: only the log grows.
                await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
                {
                    try
                    {
                        await client.PutAsync(new PutRequest { Key = ByteString.CopyFromUtf8($"/filler/{i}"), Value = value }, CancellationToken.None);
                    }
                    catch (EtcdApi.Grpc.GrpcException)
                    {
                        // The member that gives up may be the one that was asked, or the leader.
                    }
                }));
                return false;
            },
            saw: () => full.Tail,
            what: "the member with the full disk gives up");
    }
}
