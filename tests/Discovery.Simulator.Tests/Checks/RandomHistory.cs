using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Checks;
using Discovery.Store.Keyspace;
using Google.Protobuf;
using static Discovery.Simulator.Tests.Checks.ScriptedHistory;

namespace Discovery.Simulator.Tests.Checks;

/// <summary>
/// Clients of a real keyspace, without a cluster: each request takes effect at one moment between its call and its
/// answer, some are never answered, and some of those take effect much later or not at all. So it is linearizable, and
/// what a test then changes in it should not be.
/// </summary>
internal sealed class RandomHistory
{
    private const int Patience = 40;

    private readonly Random _random;
    private readonly string[] _keys;
    private readonly double _unanswered;
    private readonly KeyspaceState _state = new();
    private readonly Client[] _clients;
    private readonly List<(int DueAt, IMessage Request)> _late = [];
    private readonly Dictionary<string, long> _modified = [];
    private ulong _index;
    private int _step;
    private int _values;

    public RandomHistory(int seed, int operations, int keys, int clients, double unanswered)
    {
        _random = new Random(seed);
        _keys = [.. Enumerable.Range(0, keys).Select(static i => $"k{i:00}")];
        _unanswered = unanswered;
        _clients = [.. Enumerable.Range(0, clients).Select(static id => new Client(id))];
        while (History.Operations.Count < operations)
        {
            Step();
        }

        foreach (Client client in _clients.Where(static client => client.Operation is not null))
        {
            Apply(client);
            Finish(client);
        }
    }

    public History History { get; } = new();

    /// <summary>Answered operations.</summary>
    public IReadOnlyList<Operation> Answered => [.. History.Operations.Where(static one => one.Answer is not null)];

    private TimeSpan Now => TimeSpan.FromMilliseconds(_step);

    private void Step()
    {
        _step++;
        foreach ((int dueAt, IMessage request) late in _late.Where(late => late.DueAt <= _step).ToArray())
        {
            _late.Remove(late);
            _ = Apply(late.request);
        }

        Client client = _clients[_random.Next(_clients.Length)];
        if (client.Operation is null)
        {
            client.Request = NextRequest();
            client.Operation = History.Call(client.Id, client.Request, Now);
            client.Response = null;
        }
        else if (client.Response is null && _random.NextDouble() < _unanswered)
        {
            GiveUp(client);
        }
        else if (client.Response is null)
        {
            Apply(client);
        }
        else
        {
            Finish(client);
        }
    }

    private void GiveUp(Client client)
    {
        if (_random.Next(2) == 0)
        {
            _late.Add((_step + _random.Next(Patience), client.Request!));
        }

        History.Unknown(client.Operation!, Now);
        client.Operation = null;
    }

    private void Apply(Client client) => client.Response ??= Apply(client.Request!);

    private void Finish(Client client)
    {
        History.Return(client.Operation!, client.Response!, Now);
        client.Operation = null;
    }

    private IMessage Apply(IMessage request)
    {
        if (request is RangeRequest range)
        {
            RangeResponse found = _state.Publish().Range(range);
            foreach (KeyValue kv in found.Kvs)
            {
                _modified[kv.Key.ToStringUtf8()] = kv.ModRevision;
            }

            return found;
        }

        CommandKind kind = request switch
        {
            PutRequest => CommandKind.Put,
            DeleteRangeRequest => CommandKind.DeleteRange,
            _ => CommandKind.Txn,
        };
        return _state.Apply(++_index, new Command(kind, request)).Response!;
    }

    private IMessage NextRequest()
    {
        string key = _keys[_random.Next(_keys.Length)];
        string value = $"v{++_values}";
        return _random.Next(10) switch
        {
            < 4 => Get(key),
            < 7 => new PutRequest { Key = Bytes(key), Value = Bytes(value), PrevKv = _random.Next(4) == 0 },
            < 8 => new DeleteRangeRequest { Key = Bytes(key), PrevKv = _random.Next(4) == 0 },
            _ => Cas(key, _modified.GetValueOrDefault(key), value),
        };
    }

    /// <summary>One client: one request at a time.</summary>
    private sealed class Client(int id)
    {
        public int Id => id;

        public IMessage? Request { get; set; }

        public Operation? Operation { get; set; }

        public IMessage? Response { get; set; }
    }
}
