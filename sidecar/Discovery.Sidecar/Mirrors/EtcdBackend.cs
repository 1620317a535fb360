namespace Discovery.Sidecar.Mirrors;

/// <summary>
/// <c>etcd://</c>: registrator's v2 keys where <c>/v2/keys</c> answers, else the same keys in v3. Asked again with each full look, since
/// a server may come back as another version.
/// </summary>
internal sealed class EtcdBackend(MirrorUri uri, MirrorOptions options) : MirrorBackend
{
    private readonly EtcdV2Backend _v2 = new(uri, options);
    private readonly EtcdV3Backend _v3 = new(uri, options);
    private bool _isV2;

    /// <inheritdoc/>
    public override TimeSpan CallTimeout => _v3.CallTimeout;

    private MirrorBackend Chosen => _isV2 ? _v2 : _v3;

    /// <inheritdoc/>
    public override MirrorEntry EntryOf(MirroredService service) => _v2.EntryOf(service);

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<FoundEntry>> ListAsync(IReadOnlyCollection<string> candidates, CancellationToken cancellation)
    {
        _isV2 = await _v2.AnswersAsync(cancellation);
        return await Chosen.ListAsync(candidates, cancellation);
    }

    /// <inheritdoc/>
    public override Task PutAsync(MirrorEntry entry, CancellationToken cancellation) => Chosen.PutAsync(entry, cancellation);

    /// <inheritdoc/>
    public override Task RemoveAsync(string key, CancellationToken cancellation) => Chosen.RemoveAsync(key, cancellation);

    /// <inheritdoc/>
    public override Task<bool> RefreshAsync(IReadOnlyCollection<MirrorEntry> entries, CancellationToken cancellation) =>
        Chosen.RefreshAsync(entries, cancellation);

    /// <inheritdoc/>
    public override Task ReleaseAsync(MirrorEntry entry, CancellationToken cancellation) => Chosen.ReleaseAsync(entry, cancellation);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await _v2.DisposeAsync();
        await _v3.DisposeAsync();
    }
}
