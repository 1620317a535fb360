using Discovery.Catalog;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Testing.Histories;

/// <summary>Reads from one member all that ever changed below a prefix.</summary>
public static class ChangeReader
{
    /// <summary>How long a member gets to tell its history.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Writes a last key below the prefix, through any member, so that whoever reads until then has read everything.
    /// </summary>
    /// <returns>Its revision.</returns>
    public static async Task<long> MarkEndAsync(StoreClient client, string prefix)
    {
        long revision = 0;
        await Eventually.HoldsAsync(
            async () =>
            {
                try
                {
                    var put = new PutRequest { Key = ByteString.CopyFromUtf8($"{prefix}end"), Value = ByteString.CopyFromUtf8("end") };
                    revision = (await client.PutAsync(put, CancellationToken.None)).Header.Revision;
                    return true;
                }
                catch (GrpcException e)
                {
                    throw new IOException(e.Message, e);
                }
            },
            what: "a last write succeeds");
        return revision;
    }

    /// <summary>The member's changes below the prefix from revision 1 to the mark, without the mark; ordered by revision.</summary>
    public static async Task<IReadOnlyList<Change>> ReadAsync(Uri member, string prefix, long mark)
    {
        using var client = new StoreClient(StoreAddress.Parse($"etcd://{member.Authority}"));
        using var deadline = new CancellationTokenSource(Patience);
        var all = KeyRange.Prefix(prefix);
        var changes = new List<Change>();
        try
        {
            var create = new WatchCreateRequest { Key = all.Key, RangeEnd = all.End, StartRevision = 1 };
            await foreach (WatchResponse response in client.WatchAsync(create, deadline.Token))
            {
                if (response.CompactRevision > 0)
                {
                    throw new InvalidOperationException($"{member.Authority}: history below {response.CompactRevision} is compacted; shorten the load");
                }

                foreach (Event e in response.Events)
                {
                    if (e.Kv.ModRevision >= mark)
                    {
                        return changes;
                    }

                    bool isPut = e.Type == Event.Types.EventType.Put;
                    string key = e.Kv.Key.ToStringUtf8();
                    if (key != $"{prefix}end")
                    {
                        changes.Add(new(e.Kv.ModRevision, key, isPut ? e.Kv.Value.ToStringUtf8() : null));
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"{member.Authority} told {changes.Count} changes up to {changes.LastOrDefault()?.Revision}, not up to {mark}, within {Patience}");
        }

        throw new InvalidOperationException($"{member.Authority} ended the watch before revision {mark}");
    }
}
