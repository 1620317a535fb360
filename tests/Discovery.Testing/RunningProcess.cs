using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Discovery.Testing;

/// <summary>How a program ended.</summary>
/// <param name="ExitCode">Its exit code; 128 + the signal's number when a signal ended it.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
public sealed record FinishedProcess(int ExitCode, string Output, string Error);

/// <summary>
/// A program under test. Its output is kept and said by every wait that fails; it is always ended by its process id, and
/// at the latest when the test disposes of it.
/// </summary>
public sealed partial class RunningProcess : IAsyncDisposable
{
    /// <summary>How long a program gets to stop in order before it is killed.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);

    private const int LinesSaid = 60;
    private const int Sigterm = 15;
    private const int Sigcont = 18;
    private const int Sigstop = 19;

    private readonly Process _process;
    private readonly List<string> _lines = [];
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    private RunningProcess(ProcessStartInfo start)
    {
        CommandLine = string.Join(' ', start.ArgumentList.Prepend(Path.GetFileName(start.FileName)));
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, e) => Take(e.Data, _output);
        _process.ErrorDataReceived += (_, e) => Take(e.Data, _error);
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What was started, for messages.</summary>
    public string CommandLine { get; }

    /// <summary>The process id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>The last lines of both its outputs, under its command line and how it ended.</summary>
    public string Tail
    {
        get
        {
            lock (_lines)
            {
                string ended = _process.HasExited ? $" (ended with {_process.ExitCode})" : "";
                return string.Join('\n', _lines.TakeLast(LinesSaid).Prepend($"--- {CommandLine}{ended}"));
            }
        }
    }

    /// <summary>Everything that both its outputs said.</summary>
    public string Log
    {
        get
        {
            lock (_lines)
            {
                return string.Join('\n', _lines.Prepend($"--- {CommandLine}"));
            }
        }
    }

    /// <summary>Starts a program with no input.</summary>
    /// <param name="file">Path or name.</param>
    /// <param name="arguments">Each as the program gets it.</param>
    /// <param name="environment">Added to the tests' own; null removes a variable.</param>
    /// <param name="workingDirectory">Where it runs; the tests' own folder when null.</param>
    public static RunningProcess Start(
        string file,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        string? workingDirectory = null)
    {
        var start = new ProcessStartInfo(file)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingDirectory ?? AppContext.BaseDirectory,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // Flags have variables as well: those of whoever runs the tests must not change them.
        foreach (string name in start.Environment.Keys.Where(IsSetting).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["DOTNET_ROOT"] = Repository.DotnetRoot;
        foreach ((string name, string? value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        return new RunningProcess(start);
    }

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="TimeoutException">It did not end in time; it is killed.</exception>
    public static async Task<FinishedProcess> RunAsync(
        string file,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        TimeSpan? within = null)
    {
        await using RunningProcess process = Start(file, arguments, environment);
        return await process.ExitAsync(within);
    }

    /// <summary>The first line, of either output, that contains the text.</summary>
    public async Task<string> LineAsync(string text, TimeSpan? within = null)
    {
        string? found = null;
        await Eventually.HoldsAsync(
            () =>
            {
                lock (_lines)
                {
                    found = _lines.Find(line => line.Contains(text, StringComparison.Ordinal));
                }

                return found is null && _process.HasExited ? throw new ProcessEndedException(Tail) : found is not null;
            },
            saw: () => Tail,
            within,
            what: $"a line with \"{text}\"");
        return found!;
    }

    /// <summary>Waits until it ends by itself or by a signal sent before.</summary>
    public async Task<FinishedProcess> ExitAsync(TimeSpan? within = null)
    {
        using var deadline = new CancellationTokenSource(within ?? Eventually.Patience);
        try
        {
            // Also waits for the end of both outputs.
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"Still running after {within ?? Eventually.Patience}:\n{Tail}");
        }

        lock (_lines)
        {
            return new(_process.ExitCode, _output.ToString(), _error.ToString());
        }
    }

    /// <summary>SIGKILL: the program learns nothing of it.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await ExitAsync();
    }

    /// <summary>SIGSTOP: it stands still, its sockets stay open, and it learns nothing of the time that passes.</summary>
    public void Suspend() => _ = SendSignal(_process.Id, Sigstop);

    /// <summary>SIGCONT: it goes on where it stood.</summary>
    public void Resume() => _ = SendSignal(_process.Id, Sigcont);

    /// <summary>SIGTERM, then its end.</summary>
    public Task<FinishedProcess> TerminateAsync()
    {
        if (!_process.HasExited)
        {
            _ = SendSignal(_process.Id, Sigterm);
        }

        return ExitAsync();
    }

    /// <summary>Stops it if it still runs: in order first, then by force.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _ = SendSignal(_process.Id, Sigterm);
            // A suspended one takes the signal only when it goes on.
            Resume();
            using var deadline = new CancellationTokenSource(StopPatience);
            try
            {
                await _process.WaitForExitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }

        _process.Dispose();
    }

    private static bool IsSetting(string variable) =>
        variable.StartsWith("DISCOVERY_", StringComparison.Ordinal)
        || variable.StartsWith("ETCD", StringComparison.Ordinal)
        || variable.StartsWith("ASPNETCORE_", StringComparison.Ordinal);

    private void Take(string? line, StringBuilder into)
    {
        if (line is null)
        {
            return;
        }

        // Both outputs are read by threads of the pool.
        lock (_lines)
        {
            _lines.Add(line);
            into.Append(line).Append('\n');
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);
}

/// <summary>A program ended while something was still expected of it.</summary>
public sealed class ProcessEndedException(string tail) : Exception($"The program ended early:\n{tail}");
