using System.Text;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Store.Tests.Keyspace;

/// <summary>
/// The keyspace as one would write it in an hour: the whole state copied at each revision. Its rules are written down
/// a second time here, and on purpose share no code with the real one.
/// </summary>
internal sealed class NaiveStore
{
    private readonly List<SortedDictionary<string, KeyValue>> _states = [new(StringComparer.Ordinal), new(StringComparer.Ordinal)];
    private readonly HashSet<long> _leases = [];

    public long Revision => _states.Count - 1;

    public long Compacted { get; private set; }

    /// <summary>Events as "revision put|del key", oldest first.</summary>
    public List<(long Revision, string Text)> Events { get; } = [];

    private SortedDictionary<string, KeyValue> Now => _states[^1];

    public string? Put(string key, string value, long lease)
    {
        if (lease != 0 && !_leases.Contains(lease))
        {
            return EtcdError.LeaseNotFound.Text;
        }

        SortedDictionary<string, KeyValue> next = Copy();
        PutInto(next, key, value, lease);
        _states.Add(next);
        return null;
    }

    public long Delete(string from, string to)
    {
        SortedDictionary<string, KeyValue> next = Copy();
        long deleted = DeleteFrom(next, key => In(key, from, to));
        if (deleted > 0)
        {
            _states.Add(next);
        }

        return deleted;
    }

    /// <summary>If the key exists: put it again and delete the range; else put the two keys.</summary>
    public bool Txn(string key, string other, string value)
    {
        bool exists = Now.ContainsKey(key);
        SortedDictionary<string, KeyValue> next = Copy();
        if (exists)
        {
            DeleteFrom(next, k => In(k, other, other + "~"));
        }
        else
        {
            PutInto(next, key, value, 0);
            PutInto(next, other, value, 0);
        }

        if (!Same(next, Now))
        {
            _states.Add(next);
        }

        return exists;
    }

    public bool Grant(long id) => _leases.Add(id);

    public bool Revoke(long id)
    {
        if (!_leases.Remove(id))
        {
            return false;
        }

        SortedDictionary<string, KeyValue> next = Copy();
        if (DeleteFrom(next, key => Now[key].Lease == id) > 0)
        {
            _states.Add(next);
        }

        return true;
    }

    public string? Compact(long revision)
    {
        if (revision > Revision)
        {
            return EtcdError.FutureRevision.Text;
        }

        if (revision <= Compacted)
        {
            return EtcdError.Compacted.Text;
        }

        Compacted = revision;
        return null;
    }

    /// <summary>The pairs of the range at a revision as text; the error's text when it cannot be read.</summary>
    public string Range(string from, string to, long revision)
    {
        if (revision > Revision || revision < Compacted)
        {
            return (revision > Revision ? EtcdError.FutureRevision : EtcdError.Compacted).Text;
        }

        return Text(_states[(int)revision].Values.Where(kv => In(kv.Key.ToStringUtf8(), from, to)));
    }

    public static string Text(IEnumerable<KeyValue> pairs)
    {
        var text = new StringBuilder();
        foreach (KeyValue kv in pairs)
        {
            text.Append($"{kv.Key.ToStringUtf8()}={kv.Value.ToStringUtf8()} c{kv.CreateRevision} m{kv.ModRevision} v{kv.Version} l{kv.Lease};");
        }

        return text.ToString();
    }

    private static bool In(string key, string from, string to) =>
        string.CompareOrdinal(key, from) >= 0 && string.CompareOrdinal(key, to) < 0;

    private static bool Same(SortedDictionary<string, KeyValue> left, SortedDictionary<string, KeyValue> right) =>
        Text(left.Values) == Text(right.Values);

    private SortedDictionary<string, KeyValue> Copy() => new(Now, StringComparer.Ordinal);

    private void PutInto(SortedDictionary<string, KeyValue> state, string key, string value, long lease)
    {
        KeyValue? before = state.GetValueOrDefault(key);
        state[key] = new KeyValue
        {
            Key = ByteString.CopyFromUtf8(key),
            Value = ByteString.CopyFromUtf8(value),
            Lease = lease,
            CreateRevision = before?.CreateRevision ?? Revision + 1,
            ModRevision = Revision + 1,
            Version = (before?.Version ?? 0) + 1,
        };
        Events.Add((Revision + 1, $"put {key}"));
    }

    private long DeleteFrom(SortedDictionary<string, KeyValue> state, Predicate<string> doomed)
    {
        string[] keys = [.. state.Keys.Where(key => doomed(key))];
        foreach (string key in keys)
        {
            state.Remove(key);
            Events.Add((Revision + 1, $"del {key}"));
        }

        return keys.Length;
    }
}
