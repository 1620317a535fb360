using System.Globalization;
using System.Text.Json;

namespace Discovery.Sidecar.Mirrors;

/// <summary>
/// Ephemeral nodes <c>&lt;base&gt;/&lt;service&gt;/&lt;ip&gt;:&lt;port&gt;</c> with registrator's JSON. What hangs on our session is ours, and nothing else; a
/// node of an earlier life at a key of ours is replaced in one step, since it is about to go with its own session.
/// </summary>
internal sealed class ZookeeperBackend(MirrorUri uri, TimeProvider time, Action lost) : MirrorBackend
{
    private const int Tries = 4;

    private ZookeeperConnection? _connection;
    private ZookeeperSession _session = ZookeeperSession.None;
    private int _preferred;

    /// <inheritdoc/>
    public override MirrorEntry EntryOf(MirroredService service)
    {
        string key = string.Create(CultureInfo.InvariantCulture, $"{uri.Path}/{service.Name}/{service.Ip}:{service.Port}");
        string json = JsonSerializer.Serialize(NodeBody.Of(service), MirrorLayout.GoJson);
        return new(service.Id, key, json, json, service.IsLapsing);
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<FoundEntry>> ListAsync(IReadOnlyCollection<string> candidates, CancellationToken cancellation)
    {
        ZookeeperConnection connection = await ConnectAsync(cancellation);
        var found = new List<FoundEntry>();
        foreach (string key in candidates)
        {
            try
            {
                if (await connection.GetAsync(key, cancellation) is { } node)
                {
                    // The id is not in the node: nothing but the session says whose it is.
                    bool isOurs = node.EphemeralOwner == connection.Session.Id;
                    found.Add(new("", key, node.Data, isOurs, IsLasting: isOurs));
                }
            }
            catch (ZookeeperException)
            {
                // A path that ZooKeeper does not take; writing it will say so, for this entry alone.
            }
        }

        return found;
    }

    /// <inheritdoc/>
    public override async Task PutAsync(MirrorEntry entry, CancellationToken cancellation)
    {
        ZookeeperConnection connection = await ConnectAsync(cancellation);
        for (int tries = 1; ; tries++)
        {
            try
            {
                await PutOnceAsync(connection, entry, cancellation);
                return;
            }
            catch (ZookeeperException e) when (e.Code is ZookeeperCode.NoNode or ZookeeperCode.NodeExists && !e.IsFinal && tries < Tries)
            {
                // Parents went, or the node came or went between two calls.
            }
            catch (ZookeeperException e)
            {
                throw new MirrorException($"{uri}: {e.Message}", isRefusal: true, e);
            }
        }
    }

    /// <inheritdoc/>
    public override async Task RemoveAsync(string key, CancellationToken cancellation)
    {
        ZookeeperConnection connection = await ConnectAsync(cancellation);
        try
        {
            // Only while it is still ours: another session may have taken the key since it was read.
            if (await connection.GetAsync(key, cancellation) is { } node && node.EphemeralOwner == connection.Session.Id)
            {
                await connection.DeleteAsync(key, node.Version, cancellation);
            }

            await connection.DeleteAsync(key[..key.LastIndexOf('/')], -1, cancellation);
        }
        catch (ZookeeperException e) when (e.Code is ZookeeperCode.NoNode or ZookeeperCode.NotEmpty)
        {
            // Gone already; or the service has other instances, and its node stays.
        }
        catch (ZookeeperException e)
        {
            throw new MirrorException($"{uri}: {e.Message}", isRefusal: true, e);
        }
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => _connection?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static async Task PutOnceAsync(ZookeeperConnection connection, MirrorEntry entry, CancellationToken cancellation)
    {
        ZookeeperNode? node = await connection.GetAsync(entry.Key, cancellation);
        if (node is null)
        {
            try
            {
                await connection.CreateAsync(entry.Key, entry.Value, isEphemeral: true, cancellation);
            }
            catch (ZookeeperException e) when (e.Code == ZookeeperCode.NoNode)
            {
                await CreateParentsAsync(connection, entry.Key, cancellation);
                await connection.CreateAsync(entry.Key, entry.Value, isEphemeral: true, cancellation);
            }
        }
        else if (node.EphemeralOwner == connection.Session.Id)
        {
            await connection.SetAsync(entry.Key, entry.Value, cancellation);
        }
        else if (node.EphemeralOwner == 0)
        {
            throw new ZookeeperException(ZookeeperCode.NodeExists, $"{entry.Key} is a persistent node that somebody else made; remove it, or choose another path", isFinal: true);
        }
        else
        {
            await connection.ReplaceAsync(entry.Key, node.Version, entry.Value, cancellation);
        }
    }

    private static async Task CreateParentsAsync(ZookeeperConnection connection, string key, CancellationToken cancellation)
    {
        for (int slash = key.IndexOf('/', 1); slash > 0; slash = key.IndexOf('/', slash + 1))
        {
            try
            {
                await connection.CreateAsync(key[..slash], "", isEphemeral: false, cancellation);
            }
            catch (ZookeeperException e) when (e.Code == ZookeeperCode.NodeExists)
            {
                // Somebody else needs it too.
            }
        }
    }

    private async Task<ZookeeperConnection> ConnectAsync(CancellationToken cancellation)
    {
        if (_connection is { IsBroken: false } connection)
        {
            return connection;
        }

        if (_connection is not null)
        {
            _session = _connection.Session;
            await _connection.DisposeAsync();
            _connection = null;
        }

        string server = uri.Hosts[_preferred];
        try
        {
            _connection = await ZookeeperConnection.OpenAsync(server, _session, time, lost, cancellation);
            _session = _connection.Session;
            return _connection;
        }
        catch (Exception e) when (e is MirrorException or OperationCanceledException)
        {
            _preferred = (_preferred + 1) % uri.Hosts.Count;
            throw;
        }
    }

    /// <summary>The node's JSON, in registrator's order and with its names.</summary>
    private sealed record NodeBody(
        string Name, string IP, int PublicPort, int PrivatePort, string ContainerID, IReadOnlyList<string> Tags, IReadOnlyDictionary<string, string> Attrs)
    {
        public static NodeBody Of(MirroredService service) => new(
            service.Name, service.Ip, service.Port, service.ContainerPort, service.ContainerHostname, [.. service.Tags], service.Attrs.Items);
    }
}
