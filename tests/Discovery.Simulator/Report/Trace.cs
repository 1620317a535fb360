using System.Globalization;

namespace Discovery.Simulator.Report;

/// <summary>What a line of the trace tells.</summary>
internal enum TraceKind : byte
{
    Fault,
    Start,
    Opened,
    Refused,
    End,
    Sent,
    Received,
    Lost,
    Persisting,
    Persisted,
    Applied,
    Role,
    Snapshot,
    Call,
    Answer,
    Watch,
}

/// <summary>
/// What happened, line by line. The last lines are kept to be read; all of them are in the hash, by which two runs of a
/// seed are compared. A line costs no text until somebody reads it.
/// </summary>
internal sealed class Trace(Func<TimeSpan> now)
{
    private readonly Line[] _last = new Line[4096];
    private long _count;

    /// <summary>Sums up all lines so far.</summary>
    public ulong Hash { get; private set; } = 0xcbf29ce484222325;

    /// <summary>Lines so far.</summary>
    public long Count => _count;

    /// <summary>Called with each line's text.</summary>
    public Action<string>? Reader { get; set; }

    /// <param name="kind">What happened.</param>
    /// <param name="who">To whom: a member's or a client's name.</param>
    /// <param name="a">First number, by the kind.</param>
    /// <param name="b">Second number.</param>
    /// <param name="c">Third number.</param>
    /// <param name="text">More, when numbers do not say it.</param>
    public void Add(TraceKind kind, string who, long a = 0, long b = 0, long c = 0, string? text = null)
    {
        var line = new Line(now(), kind, who, a, b, c, text);
        _last[_count++ % _last.Length] = line;
        Mix((ulong)line.At.Ticks);
        Mix((ulong)kind);
        Mix(who);
        Mix((ulong)a);
        Mix((ulong)b);
        Mix((ulong)c);
        Mix(text ?? "");
        Reader?.Invoke(line.ToString());
    }

    /// <summary>The last lines, oldest first.</summary>
    public IEnumerable<string> Last(int count)
    {
        for (long i = Math.Max(0, _count - Math.Min(count, _last.Length)); i < _count; i++)
        {
            yield return _last[i % _last.Length].ToString();
        }
    }

    private void Mix(string text)
    {
        foreach (char letter in text)
        {
            Mix(letter);
        }
    }

    private void Mix(ulong value) => Hash = ulong.RotateLeft((Hash ^ value) * 0x9e3779b97f4a7c15, 29);

    private readonly record struct Line(TimeSpan At, TraceKind Kind, string Who, long A, long B, long C, string? Text)
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture, $"{At.TotalSeconds,11:0.000000} {Who,-4} {Kind,-10} {A} {B} {C} {Text}");
    }
}
