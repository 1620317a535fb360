using Discovery.Raft;

namespace Discovery.Store.Log;

/// <summary>
/// The disk lost something that the member had promised to keep. Its peers have it: a majority held it when it was
/// acknowledged. Until the member has it again it must neither vote nor be counted, or what it forgot could be lost.
/// </summary>
/// <param name="Problem">The first place that cannot be read.</param>
/// <param name="Lost">What stood there, as far as can be known.</param>
/// <param name="Members">
/// The newest membership that could be read anywhere in the log (as <see cref="Membership.Encode"/> wrote it), also where
/// it does not count any more: whether there are peers to heal the member. Empty when there is none.
/// </param>
internal sealed record WalDamage(FileProblem Problem, string Lost, ReadOnlyMemory<byte> Members)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Problem}; lost: {Lost}";
}
