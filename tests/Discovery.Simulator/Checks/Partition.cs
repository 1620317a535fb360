using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;
using CompareResult = Discovery.EtcdApi.Messages.Compare.Types.CompareResult;
using CompareTarget = Discovery.EtcdApi.Messages.Compare.Types.CompareTarget;

namespace Discovery.Simulator.Checks;

/// <summary>
/// Keys that must be looked at together because one request touched several of them, and the operations on them. A
/// history is linearizable when each of its partitions is (Herlihy and Wing 1990: locality).
/// </summary>
internal sealed class Partition
{
    private readonly ByteString[] _keys;
    private readonly Dictionary<ByteString, int> _keyNumbers = [];
    private readonly Dictionary<ByteString, int> _values = [];
    private readonly List<ByteString> _valueNames = [ByteString.Empty];

    private Partition(ByteString[] keys)
    {
        _keys = keys;
        for (int i = 0; i < keys.Length; i++)
        {
            _keyNumbers.Add(keys[i], i);
        }
    }

    /// <summary>Its keys, by number, in byte order.</summary>
    public IReadOnlyList<ByteString> Keys => _keys;

    /// <summary>Its operations in the order of their calls.</summary>
    public List<PartitionOperation> Operations { get; } = [];

    /// <summary>Divides a history.</summary>
    public static IReadOnlyList<Partition> Divide(History history)
    {
        List<Operation> counted =
            [.. history.Operations.Where(static one => !one.IsVoid && !one.Request.IsSerializable && (one.Answer is not null || one.Request.IsWrite))];
        ByteString[] universe = [.. counted.SelectMany(static one => NamedKeys(one)).Distinct().Order(Comparer<ByteString>.Create(KeyRange.Compare))];
        int[] root = [.. Enumerable.Range(0, universe.Length)];
        var touched = new List<int[]>(counted.Count);
        foreach (Operation operation in counted)
        {
            int[] keys = [.. RangesOf(operation.Request).SelectMany(range => Within(universe, range)).Distinct()];
            touched.Add(keys);
            foreach (int key in keys)
            {
                root[Root(root, key)] = Root(root, keys[0]);
            }
        }

        Dictionary<int, Partition> partitions = Enumerable.Range(0, universe.Length)
            .GroupBy(key => Root(root, key))
            .ToDictionary(static group => group.Key, group => new Partition([.. group.Select(key => universe[key])]));
        for (int i = 0; i < counted.Count; i++)
        {
            if (touched[i].Length > 0)
            {
                Partition partition = partitions[Root(root, touched[i][0])];
                partition.Operations.Add(partition.Compile(counted[i]));
            }
        }

        return [.. partitions.Values];
    }

    /// <summary>A state for people.</summary>
    public string TextOf(PartitionState state) => string.Join("; ", state.Keys.Select((key, i) => key.IsAbsent
        ? $"{Keys[i].ToStringUtf8()} absent"
        : $"{Keys[i].ToStringUtf8()}={_valueNames[key.Value].ToStringUtf8()} (mod {key.Modified}, version {key.Version}, created {key.Created})"))
        + $"; revision {state.Floor} or above";

    private static IEnumerable<ByteString> NamedKeys(Operation operation) =>
        RangesOf(operation.Request).Where(static range => range.IsSingle).Select(static range => range.Key)
            .Concat(operation.Answer?.Results.SelectMany(static result => result.Pairs).Select(static kv => kv.Key) ?? []);

    private static IEnumerable<KeyRange> RangesOf(KvRequest request) =>
        request.Compares.Select(static compare => new KeyRange(compare.Key, ByteString.Empty))
            .Concat(request.Success.Concat(request.Failure).Select(static action => action.Range));

    private static IEnumerable<int> Within(ByteString[] universe, KeyRange range)
    {
        int at = Array.BinarySearch(universe, range.Key, Comparer<ByteString>.Create(KeyRange.Compare));
        for (at = at < 0 ? ~at : at; at < universe.Length && range.Contains(universe[at]); at++)
        {
            yield return at;
        }
    }

    private static int Root(int[] root, int key)
    {
        while (root[key] != key)
        {
            key = root[key] = root[root[key]];
        }

        return key;
    }

    private PartitionOperation Compile(Operation operation)
    {
        KvRequest request = operation.Request;
        KvAnswer? answer = operation.Answer;
        return new PartitionOperation(operation)
        {
            Compares = [.. request.Compares.Select(compare => new PartitionCompare(_keyNumbers[compare.Key], compare.Target, ResultOf(compare), WantedBy(compare)))],
            Success = [.. request.Success.Select((action, i) => Compile(action, answer is { Succeeded: true } ? answer.Results[i] : null))],
            Failure = [.. request.Failure.Select((action, i) => Compile(action, answer is { Succeeded: false } ? answer.Results[i] : null))],
            IsKnown = answer is not null,
            Succeeded = answer?.Succeeded ?? false,
            Revision = answer?.Revision ?? 0,
            ReturnEvent = operation.ReturnEvent,
        };
    }

    private PartitionAction Compile(KvAction action, KvResult? result)
    {
        int[] keys = [.. Within(_keys, action.Range)];
        KeyModel[]? found = null;
        if (result is not null && action.WantsPairs)
        {
            found = new KeyModel[keys.Length];
            foreach (KeyValue kv in result.Pairs)
            {
                found[Array.IndexOf(keys, _keyNumbers[kv.Key])] = new KeyModel(
                    NumberOf(kv.Value), kv.Version, RevisionBounds.Exactly(kv.CreateRevision), RevisionBounds.Exactly(kv.ModRevision));
            }
        }

        return new PartitionAction(
            action.Kind, keys, action.Kind == KvActionKind.Put ? NumberOf(action.Value) : 0, found, result?.Deleted ?? -1);
    }

    private int NumberOf(ByteString value)
    {
        if (!_values.TryGetValue(value, out int number))
        {
            number = _valueNames.Count;
            _values.Add(value, number);
            _valueNames.Add(value);
        }

        return number;
    }

    private static CompareResult ResultOf(Compare compare) =>
        compare.Target == CompareTarget.Value && compare.Result is not (CompareResult.Equal or CompareResult.NotEqual)
            ? throw new ArgumentException($"found the condition {compare}; the model compares values only for being equal or not")
            : compare.Result;

    private long WantedBy(Compare compare) => compare.Target switch
    {
        CompareTarget.Value => NumberOf(compare.Value),
        CompareTarget.Version => compare.Version,
        CompareTarget.Create => compare.CreateRevision,
        _ => compare.ModRevision,
    };
}
