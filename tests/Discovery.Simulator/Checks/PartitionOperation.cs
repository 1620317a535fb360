using CompareResult = Discovery.EtcdApi.Messages.Compare.Types.CompareResult;
using CompareTarget = Discovery.EtcdApi.Messages.Compare.Types.CompareTarget;

namespace Discovery.Simulator.Checks;

/// <summary>A condition on a key of the partition; of a value only its number counts.</summary>
internal readonly record struct PartitionCompare(int Key, CompareTarget Target, CompareResult Result, long Wanted);

/// <summary>One action on keys of the partition, with what it answered.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Keys">To which keys, by number.</param>
/// <param name="Value">What a put writes, by number.</param>
/// <param name="Found">What it says that it found, by position in <paramref name="Keys"/>; null when it did not say.</param>
/// <param name="Deleted">How many it says that it deleted; -1 when it did not say.</param>
internal sealed record PartitionAction(KvActionKind Kind, int[] Keys, int Value, KeyModel[]? Found, long Deleted);

/// <summary>An operation as the search for a linearization sees it.</summary>
internal sealed class PartitionOperation(Operation source)
{
    /// <summary>Whom to show.</summary>
    public Operation Source => source;

    /// <summary>Conditions; all must hold for <see cref="Success"/>.</summary>
    public required PartitionCompare[] Compares { get; init; }

    public required PartitionAction[] Success { get; init; }

    public required PartitionAction[] Failure { get; init; }

    /// <summary>Whether it took effect for certain; else it may have, at any time from its call on.</summary>
    public bool IsKnown { get; set; }

    /// <summary>Of a known one: which branch was taken.</summary>
    public bool Succeeded { get; set; }

    /// <summary>Of a known one: the revision it was answered with; 0 when it is not known.</summary>
    public long Revision { get; set; }

    /// <summary>Of a known one: where it must have taken effect at the latest.</summary>
    public long ReturnEvent { get; set; }

    /// <summary>
    /// Operations with unknown outcomes that nobody could tell from one another have one number, from 0 on; it is enough
    /// to try them in the order of their calls.
    /// </summary>
    public int Twins { get; set; } = -1;

    /// <summary>The actions of a branch.</summary>
    public PartitionAction[] Branch(bool succeeded) => succeeded ? Success : Failure;

    /// <summary>Whether its answer says that it changed something.</summary>
    public bool HasWritten => IsKnown
        && Branch(Succeeded).Any(static action => action.Kind == KvActionKind.Put || action.Deleted > 0);
}
