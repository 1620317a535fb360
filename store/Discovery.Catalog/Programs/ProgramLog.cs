using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Discovery.Catalog.Programs;

/// <summary>The log of a program: one line an event, with its time in UTC, on standard error.</summary>
public static class ProgramLog
{
    /// <summary>The flag <c>--log-level</c>.</summary>
    public static Option<string?> Flag() => Flags.Text("log-level", "info", "least level that is logged: debug, info, warn or error");

    /// <summary>The level that the flag names; a line among the problems when it names none.</summary>
    public static LogLevel Level(string text, List<string> problems)
    {
        switch (text.ToLowerInvariant())
        {
            case "debug":
                return LogLevel.Debug;
            case "info":
                return LogLevel.Information;
            case "warn":
                return LogLevel.Warning;
            case "error":
                return LogLevel.Error;
            default:
                problems.Add($"--log-level is \"{text}\"; it must be debug, info, warn or error");
                return LogLevel.Information;
        }
    }

    /// <summary>Sets a program's log up. What the framework says of itself is heard from warning on.</summary>
    public static void Configure(ILoggingBuilder logging, LogLevel level)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(level);
        logging.AddFilter("Microsoft", level > LogLevel.Warning ? level : LogLevel.Warning);
        logging.AddSimpleConsole(static console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        });
        logging.Services.Configure<ConsoleLoggerOptions>(static console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
