using System.Diagnostics;
using System.Text;

namespace Discovery.Store.Tests.Api;

/// <summary>A program of others run against a store: etcdctl, curl, etcd.</summary>
public sealed class ToolProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private ToolProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += OnLine;
        process.ErrorDataReceived += OnLine;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>What it has said so far, errors included.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Starts a program that goes on until it is disposed of.</summary>
    public static ToolProcess Start(string program, params string[] arguments) => Start(program, "", arguments);

    /// <summary>Runs a program to its end; fails with all it said unless it ends with 0.</summary>
    public static async Task<string> RunAsync(string program, string input, params string[] arguments)
    {
        (int exitCode, string output) = await TryRunAsync(program, input, arguments);
        Assert.True(exitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {exitCode}: {output}");
        return output;
    }

    /// <summary>Runs a program to its end, whatever that is.</summary>
    public static async Task<(int ExitCode, string Output)> TryRunAsync(string program, string input, params string[] arguments)
    {
        await using ToolProcess tool = Start(program, input, arguments);
        using var deadline = new CancellationTokenSource(Patience);
        await tool._process.WaitForExitAsync(deadline.Token);
        return (tool._process.ExitCode, tool.Output);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static ToolProcess Start(string program, string input, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["ETCDCTL_API"] = "3";
        Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        return new(process);
    }

    private void OnLine(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is not null)
        {
            lock (_output)
            {
                _output.Append(line.Data).Append('\n');
            }
        }
    }
}
