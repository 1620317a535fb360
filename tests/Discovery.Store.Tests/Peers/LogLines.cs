using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Discovery.Store.Tests.Peers;

/// <summary>Keeps what is logged.</summary>
internal sealed class LogLines : ILogger
{
    private readonly ConcurrentQueue<(int Id, LogLevel Level, string Text)> _lines = new();

    public IReadOnlyList<(int Id, LogLevel Level, string Text)> All => [.. _lines];

    public IEnumerable<string> Of(int id) => _lines.Where(line => line.Id == id).Select(static line => line.Text);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((eventId.Id, logLevel, formatter(state, exception)));

    public override string ToString() => string.Join('\n', _lines.Select(static line => $"{line.Id} {line.Level}: {line.Text}"));
}
