using Google.Protobuf;

namespace Discovery.Simulator.Checks;

/// <summary>
/// What clients asked and heard, in the order in which it happened: the only witness of the check for linearizability,
/// which knows nothing of the members. Reads whose outcome is unknown say nothing and are forgotten.
/// </summary>
/// <remarks>
/// Call <see cref="Call"/> before the request can leave and <see cref="Return"/> after its answer is there; the order of
/// these calls is the order that the check believes in. Clients of real processes call from several threads: the lock
/// makes one order of them, and no channel could, since each needs its place at once.
/// </remarks>
internal sealed class History
{
    private readonly Lock _gate = new();
    private readonly List<Operation> _operations = [];
    private long _events;

    /// <summary>Operations called and neither answered nor given up.</summary>
    public int Pending { get; private set; }

    /// <summary>All operations that count, in the order of their calls. Read when nobody writes.</summary>
    public IReadOnlyList<Operation> Operations => _operations;

    /// <summary>A client sends a request.</summary>
    public Operation Call(int client, IMessage request, TimeSpan now)
    {
        var asked = KvRequest.From(request);
        lock (_gate)
        {
            var operation = new Operation(client, asked, ++_events, now);
            _operations.Add(operation);
            Pending++;
            return operation;
        }
    }

    /// <summary>Its answer has come.</summary>
    public void Return(Operation operation, IMessage response, TimeSpan now) => End(operation, KvAnswer.From(response), now);

    /// <summary>Nobody knows what became of it: it may take effect at any time from its call on, or never.</summary>
    public void Unknown(Operation operation, TimeSpan now)
    {
        End(operation, null, now);
        if (!operation.Request.IsWrite)
        {
            operation.IsVoid = true;
        }
    }

    /// <summary>It was refused and surely has no effect, now or later.</summary>
    public void Refused(Operation operation, TimeSpan now)
    {
        End(operation, null, now);
        operation.IsVoid = true;
    }

    private void End(Operation operation, KvAnswer? answer, TimeSpan now)
    {
        lock (_gate)
        {
            Pending--;
            operation.Returned = now;
            operation.Answer = answer;
            operation.ReturnEvent = answer is null ? Operation.Never : ++_events;
        }
    }
}

/// <summary>One request of a client, as <see cref="History"/> keeps it.</summary>
/// <param name="client">Who asked; for the reader only.</param>
/// <param name="request">What was asked.</param>
/// <param name="callEvent">Its place in the order of all calls and answers.</param>
/// <param name="called">When, for the reader only.</param>
internal sealed class Operation(int client, KvRequest request, long callEvent, TimeSpan called)
{
    /// <summary>The <see cref="ReturnEvent"/> of what was not answered.</summary>
    public const long Never = long.MaxValue;

    public int Client => client;

    public KvRequest Request => request;

    public long CallEvent => callEvent;

    public TimeSpan Called => called;

    /// <summary>The answer's place in the order of all calls and answers.</summary>
    public long ReturnEvent { get; set; } = Never;

    /// <summary>When the client heard, or gave up.</summary>
    public TimeSpan? Returned { get; set; }

    /// <summary>What was answered; null when nobody knows.</summary>
    public KvAnswer? Answer { get; set; }

    /// <summary>Whether it says nothing at all: refused, or a read without an answer.</summary>
    public bool IsVoid { get; set; }

    /// <inheritdoc/>
    public override string ToString()
    {
        string end = Returned is { } returned ? $"{returned.TotalSeconds:0.000}" : "...";
        return $"client {client} [{called.TotalSeconds:0.000} to {end} s] {request} -> {Answer?.ToString() ?? "unknown"}";
    }
}
