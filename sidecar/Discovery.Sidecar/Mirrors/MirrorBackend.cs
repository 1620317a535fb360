namespace Discovery.Sidecar.Mirrors;

/// <summary>A service as one backend holds it.</summary>
/// <param name="Id">The service's id.</param>
/// <param name="Key">Where it stands; one entry a key.</param>
/// <param name="Value">What is written there, byte for byte.</param>
/// <param name="Mark">
/// What of it can be read back and compared: the value itself, unless the backend keeps less (Consul does not give checks back).
/// </param>
/// <param name="IsLapsing">See <see cref="MirroredService.IsLapsing"/>.</param>
internal sealed record MirrorEntry(string Id, string Key, string Value, string Mark, bool IsLapsing);

/// <summary>What stands at one key of the backend, whoever wrote it.</summary>
/// <param name="Id">The id as far as the key or the value tells it; it may be a stranger's.</param>
/// <param name="Key">Where it stands.</param>
/// <param name="Mark">See <see cref="MirrorEntry"/>.</param>
/// <param name="IsOurs">The backend itself proves that it is ours: it hangs on our lease or session.</param>
/// <param name="IsLasting">It lives as long as it should: on what we renew when there is a TTL, for ever when there is none.</param>
internal sealed record FoundEntry(string Id, string Key, string Mark, bool IsOurs, bool IsLasting);

/// <summary>
/// One foreign store: where a service stands there, and the few calls that put it there. Called by one loop, one call at a time.
/// Every call fails with <see cref="MirrorException"/> only, or ends when it is cancelled.
/// </summary>
internal abstract class MirrorBackend : IAsyncDisposable
{
    /// <summary>How long one call may take.</summary>
    public virtual TimeSpan CallTimeout => MirrorLimits.Call;

    /// <summary>Where and as what the service is written. Pure.</summary>
    public abstract MirrorEntry EntryOf(MirroredService service);

    /// <summary>What stands where our entries could stand, strangers' included.</summary>
    /// <param name="candidates">Keys that are wanted or were written before, for backends where only those can be ours.</param>
    /// <param name="cancellation">Ends the call.</param>
    public abstract Task<IReadOnlyList<FoundEntry>> ListAsync(IReadOnlyCollection<string> candidates, CancellationToken cancellation);

    /// <summary>Writes an entry over whatever stands there.</summary>
    public abstract Task PutAsync(MirrorEntry entry, CancellationToken cancellation);

    /// <summary>Removes an entry; one that is gone already is no error.</summary>
    public abstract Task RemoveAsync(string key, CancellationToken cancellation);

    /// <summary>Renews what has a TTL. False when something was missing or changed, so that all must be read again.</summary>
    public virtual Task<bool> RefreshAsync(IReadOnlyCollection<MirrorEntry> entries, CancellationToken cancellation) => Task.FromResult(true);

    /// <summary>Lets an entry go with its TTL from now on, untouched otherwise.</summary>
    public virtual Task ReleaseAsync(MirrorEntry entry, CancellationToken cancellation) => Task.CompletedTask;

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
