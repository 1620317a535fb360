using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Discovery.Raft;

/// <summary>
/// Who the members are. While voters change there are two sets, and every decision needs a majority of both (joint
/// consensus, Raft §6), so that no moment exists in which two majorities do not know of each other.
/// </summary>
public sealed class Membership : IEquatable<Membership>
{
    /// <summary>Nobody: a node that was told nothing yet.</summary>
    public static readonly Membership None = new([]);

    private const byte FormatVersion = 1;
    private const int HeaderBytes = 4;
    private const int MembersMax = byte.MaxValue;

    /// <summary>Makes one; the order of the ids does not matter.</summary>
    /// <exception cref="ArgumentException">A learner is a voter too, or there are over 255 of a kind.</exception>
    public Membership(IEnumerable<NodeId> voters, IEnumerable<NodeId>? learners = null, IEnumerable<NodeId>? outgoing = null)
    {
        Voters = Sorted(voters);
        Learners = Sorted(learners ?? []);
        Outgoing = Sorted(outgoing ?? []);
        if (Learners.FirstOrDefault(id => Voters.Contains(id)) is { Value: > 0 } both)
        {
            throw new ArgumentException($"member {both} is a voter and a learner; it can be one of them", nameof(learners));
        }
    }

    /// <summary>
    /// What the caller gave with the change that led here, for its state machine. Not looked at, and not compared.
    /// </summary>
    public ReadOnlyMemory<byte> Context { get; init; }

    /// <summary>Whose majority decides.</summary>
    public ImmutableArray<NodeId> Voters { get; }

    /// <summary>Whose majority must agree too, while voters change; else empty.</summary>
    public ImmutableArray<NodeId> Outgoing { get; }

    /// <summary>Who gets the log and has no vote.</summary>
    public ImmutableArray<NodeId> Learners { get; }

    /// <summary>Whether voters are being changed.</summary>
    public bool IsJoint => Outgoing.Length > 0;

#if MUTANTS
    private bool NeedsBoth => IsJoint && !RaftMutant.JointByNewMajority.IsPlanted();
#else
    private bool NeedsBoth => IsJoint;
#endif

    /// <summary>Everybody, once.</summary>
    public IEnumerable<NodeId> All => Voters.Union(Outgoing).Union(Learners);

    /// <summary>Whether the node's vote counts.</summary>
    public bool IsVoter(NodeId id) => Voters.Contains(id) || Outgoing.Contains(id);

    /// <summary>Whether the node is a member at all.</summary>
    public bool Contains(NodeId id) => IsVoter(id) || Learners.Contains(id);

    /// <summary>Whether those for whom it is true are enough to decide.</summary>
    public bool IsQuorum(Func<NodeId, bool> agrees) =>
        IsMajority(Voters, agrees) && (!NeedsBoth || IsMajority(Outgoing, agrees));

    /// <summary>The greatest value that a majority (of both sets, while there are two) has reached.</summary>
    public ulong QuorumOf(Func<NodeId, ulong> reached) =>
        NeedsBoth ? Math.Min(MajorityOf(Voters, reached), MajorityOf(Outgoing, reached)) : MajorityOf(Voters, reached);

    /// <summary>
    /// As a log entry's payload: version (1), counts of voters, outgoing, learners (1 each), their ids (8 each,
    /// little-endian), then the context.
    /// </summary>
    public byte[] Encode()
    {
        byte[] payload = new byte[HeaderBytes + (8 * (Voters.Length + Outgoing.Length + Learners.Length)) + Context.Length];
        payload[0] = FormatVersion;
        payload[1] = (byte)Voters.Length;
        payload[2] = (byte)Outgoing.Length;
        payload[3] = (byte)Learners.Length;
        int at = HeaderBytes;
        foreach (NodeId id in Voters.Concat(Outgoing).Concat(Learners))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(at), id.Value);
            at += 8;
        }

        Context.Span.CopyTo(payload.AsSpan(at));
        return payload;
    }

    /// <summary>Reads what <see cref="Encode"/> wrote.</summary>
    /// <exception cref="FormatException">It is newer than this program, or damaged.</exception>
    public static Membership Decode(ReadOnlyMemory<byte> payload)
    {
        ReadOnlySpan<byte> bytes = payload.Span;
        if (bytes.Length < HeaderBytes || bytes[0] != FormatVersion)
        {
            throw new FormatException(
                $"found a membership of version {(bytes.Length > 0 ? bytes[0] : 0)} with {bytes.Length} bytes; this program reads version {FormatVersion}: start the newer program that wrote it");
        }

        int counted = bytes[1] + bytes[2] + bytes[3];
        if (bytes.Length < HeaderBytes + (8 * counted))
        {
            throw new FormatException($"found a membership of {counted} ids in {bytes.Length} bytes");
        }

        var ids = new NodeId[counted];
        for (int i = 0; i < counted; i++)
        {
            ids[i] = new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(bytes[(HeaderBytes + (8 * i))..]));
        }

        int learners = bytes[1] + bytes[2];
        try
        {
            return new Membership(ids[..bytes[1]], ids[learners..], ids[bytes[1]..learners])
            {
                Context = payload[(HeaderBytes + (8 * counted))..],
            };
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"found a membership that contradicts itself: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public bool Equals(Membership? other) =>
        other is not null
        && Voters.SequenceEqual(other.Voters)
        && Outgoing.SequenceEqual(other.Outgoing)
        && Learners.SequenceEqual(other.Learners);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Membership);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (NodeId id in All)
        {
            hash.Add(id);
        }

        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"voters [{string.Join(' ', Voters)}]"
        + (IsJoint ? $" and [{string.Join(' ', Outgoing)}]" : "")
        + (Learners.Length > 0 ? $", learners [{string.Join(' ', Learners)}]" : "");

    private static ImmutableArray<NodeId> Sorted(IEnumerable<NodeId> ids)
    {
        ImmutableArray<NodeId> sorted = [.. ids.Distinct().OrderBy(static id => id.Value)];
        return sorted.Length <= MembersMax
            ? sorted
            : throw new ArgumentException($"found {sorted.Length} members of one kind; wanted at most {MembersMax}", nameof(ids));
    }

    private static bool IsMajority(ImmutableArray<NodeId> set, Func<NodeId, bool> agrees)
    {
        int agreeing = 0;
        foreach (NodeId id in set)
        {
            agreeing += agrees(id) ? 1 : 0;
        }

        // Nobody's majority decides nothing: a node that knows no members must not elect itself.
        return agreeing > set.Length / 2;
    }

    private static ulong MajorityOf(ImmutableArray<NodeId> set, Func<NodeId, ulong> reached)
    {
        if (set.IsEmpty)
        {
            return 0;
        }

        Span<ulong> values = stackalloc ulong[set.Length];
        for (int i = 0; i < set.Length; i++)
        {
            values[i] = reached(set[i]);
        }

        values.Sort();
        return values[(set.Length - 1) / 2];
    }
}
