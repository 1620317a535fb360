using Discovery.Catalog;
using Discovery.Sidecar.Checks;
using Discovery.Sidecar.Docker;
using Discovery.Testing;

namespace Discovery.Sidecar.Tests.Checks;

/// <summary>Commands in containers of a real engine: the machine's, else one that is started here (root only).</summary>
public sealed class ExecProbeTests(ExecProbeTests.Engine engine) : IClassFixture<ExecProbeTests.Engine>
{
    [Theory]
    [InlineData("echo all is well", false, Health.Passing, "exit 0", "exit 0\nall is well")]
    [InlineData("true", false, Health.Passing, "exit 0", "exit 0")]
    [InlineData("echo; echo disk full; echo more; exit 3", false, Health.Critical, "exit 3: disk full", "exit 3\ndisk full\nmore")]
    [InlineData("echo disk full >&2; exit 3", false, Health.Critical, "exit 3: disk full", "exit 3\ndisk full")]
    [InlineData("exit 1", true, Health.Warning, "exit 1", "exit 1")]
    [InlineData("exit 1", false, Health.Critical, "exit 1", "exit 1")]
    [InlineData("exit 2", true, Health.Critical, "exit 2", "exit 2")]
    public async Task Exit_code_decides_and_both_streams_are_shown(string script, bool oneWarns, Health health, string summary, string output)
    {
        CheckSpec spec = Shell(script) with { OneWarns = oneWarns };

        CheckResult? result = await engine.AskAsync(engine.Container, spec);

        Assert.Equal((health, summary, output), (result?.Status, result?.Summary, result?.Output));
    }

    [Fact]
    public async Task Program_that_is_not_there_is_critical()
    {
        CheckResult? result = await engine.AskAsync(engine.Container, Shell("") with { Command = ["/no/such/program"] });

        Assert.Equal(Health.Critical, result?.Status);
        Assert.Contains("no such file", result!.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Endless_output_is_cut_and_the_command_comes_to_its_end()
    {
        CheckResult? result = await engine.AskAsync(engine.Container, Shell("i=0; while test $i -lt 2000; do echo xxxxxxxxxxxxxxxxxxx; i=$((i+1)); done; exit 4"));

        Assert.StartsWith("exit 4: xxx", result?.Summary, StringComparison.Ordinal);
        Assert.InRange(result!.Output.Length, 4000, CheckLimits.Output + 16);
    }

    /// <summary>Goal: a command that hangs does not pile up, since the engine cannot end one. How: it waits for a file that a test makes.</summary>
    [Fact]
    public async Task Command_that_outlives_its_timeout_is_not_started_a_second_time()
    {
        CheckSpec spec = Shell("echo started >> /runs; until test -e /go; do :; done");

        CheckResult? first = await engine.AskAsync(engine.Container, spec, TimeSpan.FromSeconds(2));
        CheckResult? second = await engine.AskAsync(engine.Container, spec);
        await engine.AskAsync(engine.Container, Shell("echo > /go") with { Name = "other" });
        CheckResult? third = null;
        await Eventually.HoldsAsync(
            async () => (third = await engine.AskAsync(engine.Container, spec))?.Status == Health.Passing, () => third);
        CheckResult? runs = await engine.AskAsync(engine.Container, Shell("read a < /runs; echo $a; test -s /runs") with { Name = "other" });

        Assert.Equal(Health.Critical, first?.Status);
        Assert.Contains("still goes on", second?.Summary, StringComparison.Ordinal);
        Assert.Equal("exit 0\nstarted", runs?.Output);
    }

    [Fact]
    public async Task Paused_container_is_critical_and_one_that_is_gone_says_nothing()
    {
        string container = await engine.RunAsync("exec-paused");
        await engine.Docker.PauseAsync(container);

        CheckResult? paused = await engine.AskAsync(container, Shell("true"));
        await engine.Docker.RemoveAsync(container);
        CheckResult? gone = await engine.AskAsync(container, Shell("true"));

        Assert.Equal(Health.Critical, paused?.Status);
        Assert.Contains("paused", paused!.Summary, StringComparison.Ordinal);
        Assert.Null(gone);
    }

    private static CheckSpec Shell(string script) => new() { Name = "exec", Type = CheckType.Exec, Command = ["/bin/sh", "-c", script] };

    /// <summary>An engine with one container that idles.</summary>
    public sealed class Engine : IAsyncLifetime
    {
        private RunningDockerd? _own;
        private DockerClient? _client;
        private CheckProbes? _probes;

        internal DockerEngine Docker { get; private set; } = DockerEngine.FromEnvironment();

        internal string Container { get; private set; } = "";

        public async Task InitializeAsync()
        {
            if (!await Docker.AnswersAsync())
            {
                _own = await RunningDockerd.StartAsync();
                await Docker.DisposeAsync();
                Docker = new(_own.Host);
            }

            await SampleImage.BuildAsync(Docker);
            Container = await RunAsync("exec-checks");
            _client = new(DockerEndpoint.Parse(Docker.Host));
            await _client.PingAsync(CancellationToken.None);
            _probes = new(_client);
        }

        public async Task DisposeAsync()
        {
            _probes?.Dispose();
            _client?.Dispose();
            await Docker.DisposeAsync();
            if (_own is not null)
            {
                await _own.DisposeAsync();
            }
        }

        internal Task<string> RunAsync(string name) =>
            Docker.RunAsync(new() { Name = $"{name}-{Environment.ProcessId}", PublishAll = false });

        internal async Task<CheckResult?> AskAsync(string container, CheckSpec spec, TimeSpan? timeout = null)
        {
            using var deadline = new CancellationTokenSource(timeout ?? Eventually.Patience);
            return await _probes!.AskAsync(container, spec, deadline.Token);
        }
    }
}
