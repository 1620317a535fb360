using Discovery.EtcdApi.Messages;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Api;

/// <summary>Fills the header of every answer: who answers, in which term, at which revision.</summary>
/// <param name="view">The applied state.</param>
/// <param name="status">Where this member stands.</param>
internal sealed class ResponseHeaders(Func<KeyspaceView> view, Func<StoreStatus> status)
{
    /// <summary>A header at the store's current revision.</summary>
    public ResponseHeader Now() => At(view().Revision);

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
        StoreStatus now = status();
        header.ClusterId = now.ClusterId;
        header.MemberId = now.MemberId;
        header.RaftTerm = now.Term;
    }
}
