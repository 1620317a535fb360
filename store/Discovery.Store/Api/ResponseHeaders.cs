using Discovery.EtcdApi.Messages;
using Discovery.Store.Consensus;

namespace Discovery.Store.Api;

/// <summary>Fills the header of every answer: who answers, in which term, at which revision.</summary>
internal sealed class ResponseHeaders(RaftHost raft)
{
    /// <summary>A header at the store's current revision.</summary>
    public ResponseHeader Now() => At(raft.View.Revision);

    /// <summary>A header at this revision; 0 where etcd gives none.</summary>
    public ResponseHeader At(long revision)
    {
        var header = new ResponseHeader { Revision = revision };
        Complete(header);
        return header;
    }

    /// <summary>Adds what the keyspace does not know to a header that it made.</summary>
    public void Complete(ResponseHeader header)
    {
        StoreStatus status = raft.Status;
        header.ClusterId = status.ClusterId;
        header.MemberId = status.MemberId;
        header.RaftTerm = status.Term;
    }
}
