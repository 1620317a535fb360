using System.Globalization;
using System.Text;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;
using Discovery.Store.Peers;
using Discovery.Store.Watch;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;

namespace Discovery.Store.Api;

/// <summary><c>GET /metrics</c>: etcd's names for what this store has too, so that existing dashboards and alerts work.</summary>
internal sealed class MetricsPage(RaftHost raft, WatchHub watches, StoreOptions options)
{
    private static readonly RangeRequest CountEverything = new()
    {
        Key = ByteString.CopyFrom(0),
        RangeEnd = ByteString.CopyFrom(0),
        CountOnly = true,
    };

    /// <summary>Writes Prometheus' text form.</summary>
    public Task ServeAsync(HttpContext context) =>
        HttpFace.WriteAsync(context, StatusCodes.Status200OK, "text/plain; version=0.0.4; charset=utf-8", Text());

    private string Text()
    {
        StoreStatus status = raft.Status;
        KeyspaceView view = raft.View;
        IReadOnlyList<PeerStatus> peers = raft.PeerStatuses;
        string local = $"{status.MemberId:x}";
        var text = new StringBuilder();
        Gauge("etcd_server_has_leader", "Whether this member knows a leader: 1 or 0.", status.Leader != 0 ? 1 : 0);
        Gauge("etcd_server_is_leader", "Whether this member leads: 1 or 0.", status.Leader == status.MemberId ? 1 : 0);
        Gauge("etcd_server_is_learner", "Whether this member has no vote: 1 or 0.", raft.IsVoter() ? 0 : 1);
        Counter("etcd_server_leader_changes_seen_total", "How often another leader was seen than before.", (ulong)raft.LeaderChanges);
        Counter("etcd_server_proposals_committed_total", "Raft index of the last committed entry.", status.CommitIndex);
        Counter("etcd_server_proposals_applied_total", "Raft index of the last applied entry.", status.AppliedIndex);
        Gauge("etcd_server_quota_backend_bytes", "Live bytes above which writes are refused.", options.QuotaBackendBytes);
        Gauge("etcd_mvcc_db_total_size_in_bytes", "Bytes of log and snapshots on disk.", status.DataBytes);
        Gauge("etcd_mvcc_db_total_size_in_use_in_bytes", "Bytes of live keys and values.", view.LiveBytes);
        Gauge("etcd_debugging_mvcc_keys_total", "Live keys.", view.Range(CountEverything).Count);
        Gauge("etcd_debugging_mvcc_current_revision", "The revision of the last change.", view.Revision);
        Gauge("etcd_debugging_mvcc_compact_revision", "The oldest readable revision.", view.CompactedRevision);
        Gauge("etcd_debugging_mvcc_watcher_total", "Watches on all streams.", watches.WatcherCount);
        PeerCounter("etcd_network_peer_sent_bytes_total", "Bytes sent to peers.", "To", static peer => peer.BytesSent);
        PeerCounter("etcd_network_peer_received_bytes_total", "Bytes received from peers.", "From", static peer => peer.BytesReceived);
        PeerCounter("etcd_network_peer_sent_failures_total", "Messages that could not be sent to peers.", "To", static peer => peer.MessagesDropped);
        Peers("etcd_network_active_peers", "Whether the peer is connected: 1 or 0.", "gauge", Pair, static peer => peer.Url is null ? 0 : 1);
        Peers("etcd_network_disconnected_peers_total", "How often a connection to the peer ended.", "counter", Pair, static peer => peer.Connections - (peer.Url is null ? 0 : 1));
        Gauge("process_resident_memory_bytes", "Bytes of memory in RAM.", Environment.WorkingSet);
        return text.ToString();

        void Gauge(string name, string help, long value) => Write(name, help, "gauge", value.ToString(CultureInfo.InvariantCulture));

        void Counter(string name, string help, ulong value) => Write(name, help, "counter", value.ToString(CultureInfo.InvariantCulture));

        string Pair(PeerStatus peer) => $"Local=\"{local}\",Remote=\"{peer.Id.Value:x}\"";

        void PeerCounter(string name, string help, string label, Func<PeerStatus, long> value) =>
            Peers(name, help, "counter", peer => $"{label}=\"{peer.Id.Value:x}\"", value);

        void Peers(string name, string help, string type, Func<PeerStatus, string> labels, Func<PeerStatus, long> value)
        {
            if (peers.Count > 0)
            {
                Describe(name, help, type);
            }

            foreach (PeerStatus peer in peers)
            {
                text.Append(name).Append('{').Append(labels(peer)).Append("} ").Append(CultureInfo.InvariantCulture, $"{value(peer)}\n");
            }
        }

        void Write(string name, string help, string type, string value)
        {
            Describe(name, help, type);
            text.Append(name).Append(' ').Append(value).Append('\n');
        }

        void Describe(string name, string help, string type) =>
            text.Append("# HELP ").Append(name).Append(' ').Append(help).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
    }
}
