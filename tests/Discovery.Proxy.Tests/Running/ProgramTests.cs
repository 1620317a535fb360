using Discovery.Testing;

namespace Discovery.Proxy.Tests.Running;

/// <summary>The program as it is started: flags, one line for what is wrong, exit codes, signals.</summary>
public sealed class ProgramTests
{
    [Theory]
    [InlineData("--store embedded", "this program holds no store")]
    [InlineData("--store mysql://x", "--store is \"mysql://x\"")]
    [InlineData("--urls https://0.0.0.0:443", "no TLS")]
    [InlineData("--urls 8080", "--urls is \"8080\"")]
    [InlineData("--admin-url nowhere", "--admin-url is \"nowhere\"")]
    [InlineData("--domain a_b", "--domain is \"a_b\"")]
    [InlineData("--name a/b", "--name is \"a/b\"")]
    [InlineData("--log-level loud", "--log-level is \"loud\"")]
    [InlineData("--ulrs x", "did you mean --urls?")]
    public async Task What_is_wrong_is_one_line_and_exit_code_2(string flags, string said)
    {
        FinishedProcess finished = await RunningProcess.RunAsync(Programs.Proxy, flags.Split(' '));

        Assert.Equal(2, finished.ExitCode);
        Assert.Contains(said, Assert.Single(Lines(finished.Error)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_with_port_and_flag_and_exit_code_1()
    {
        await using Backend other = await Backend.StartAsync();

        foreach (string flag in new[] { "--urls", "--admin-url" })
        {
            string free = flag == "--urls" ? "--admin-url" : "--urls";
            FinishedProcess finished = await RunningProcess.RunAsync(
                Programs.Proxy, [flag, $"http://127.0.0.1:{other.Port}", free, "http://127.0.0.1:0"]);

            Assert.Equal(1, finished.ExitCode);
            string line = Assert.Single(Lines(finished.Error));
            Assert.Contains($"{flag} http://127.0.0.1:{other.Port}: port {other.Port} is in use", line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_port_may_come_from_the_environment()
    {
        FinishedProcess wrong = await RunningProcess.RunAsync(
            Programs.Proxy, [], new Dictionary<string, string?> { ["DISCOVERY_HTTP_PORT"] = "http" });

        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("DISCOVERY_HTTP_PORT is \"http\"", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_says_its_version()
    {
        FinishedProcess finished = await RunningProcess.RunAsync(Programs.Proxy, ["--version"]);

        Assert.Equal((0, "discovery-proxy 0.1.0\n"), (finished.ExitCode, finished.Output));
    }

    [Fact]
    public async Task It_runs_without_a_store_answers_its_healthcheck_and_ends_with_0_when_asked_to()
    {
        string admin = $"http://127.0.0.1:{FreePort.Next()}";
        string[] flags = ["--store", $"etcd://127.0.0.1:{FreePort.Next()}", "--urls", "http://127.0.0.1:0", "--admin-url", admin];
        await using RunningProcess proxy = RunningProcess.Start(Programs.Proxy, flags);
        await proxy.LineAsync("does not answer");

        Assert.Equal(0, (await RunningProcess.RunAsync(Programs.Proxy, ["--healthcheck", "--admin-url", admin])).ExitCode);
        FinishedProcess finished = await proxy.TerminateAsync();

        Assert.Equal(0, finished.ExitCode);
        Assert.Single(Lines(finished.Error), l => l.Contains("does not answer", StringComparison.Ordinal));
        Assert.Equal(1, (await RunningProcess.RunAsync(Programs.Proxy, ["--healthcheck", "--admin-url", admin])).ExitCode);
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
