using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;

namespace Discovery.Simulator.Checks;

/// <summary>
/// Proves that a read, however old the state it was allowed to show, shows exactly one revision of the true history: the
/// one it asked for, or the one its header names. What <see cref="LinearizabilityCheck"/> cannot say of serializable
/// reads and of reads of the past. Exact; costs the keys that ever were.
/// </summary>
internal sealed class ReadCheck(RunPosition position, RevisionHistory history)
{
    private const string Name = "reads show one revision";

    /// <summary>A client has its answer. Reads with a limit, an order or without values are not judged.</summary>
    public void Answered(RangeRequest request, RangeResponse response)
    {
        if (request.Limit > 0 || request.KeysOnly || request.CountOnly || request.SortOrder != RangeRequest.Types.SortOrder.None)
        {
            return;
        }

        long header = response.Header.Revision;
        long at = request.Revision > 0 ? request.Revision : header;
        if (header > history.Last || at > header)
        {
            position.Fail(Name, $"{request} was answered at revision {header}; the newest is {history.Last}");
        }

        KeyValue[] wanted = [.. history.PairsAt(new KeyRange(request.Key, request.RangeEnd), at)];
        if (!wanted.SequenceEqual(response.Kvs) || response.Count != wanted.Length)
        {
            position.Fail(Name, $"{request} was answered with {response}; at revision {at} it is [{string.Join(", ", (object[])wanted)}]");
        }
    }
}
