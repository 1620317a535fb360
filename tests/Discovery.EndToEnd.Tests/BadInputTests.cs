using System.Net;
using System.Net.Sockets;
using Discovery.EndToEnd.Tests.Setup;
using Discovery.Testing;

namespace Discovery.EndToEnd.Tests;

/// <summary>What a user gets wrong: one line that says what was found and what is wanted, and the exit code of the kind.</summary>
[Collection(SharedEngine.Name)]
public sealed class BadInputTests(EngineFixture engine)
{
    private const int Failed = 1;
    private const int BadConfiguration = 2;

    /// <summary>A program by the name that messages show.</summary>
    public static TheoryData<string> AllPrograms => ["discovery", "discovery-proxy", "discovery-dashboard"];

    [Theory, MemberData(nameof(AllPrograms))]
    public async Task Unknown_flag_ends_with_2(string program) =>
        AssertOneLine(await RunAsync(program, "--stroe", "etcd://127.0.0.1:1"), BadConfiguration, "--stroe");

    [Theory, MemberData(nameof(AllPrograms))]
    public async Task Store_url_of_another_kind_ends_with_2(string program) =>
        AssertOneLine(await RunAsync(program, "--store", "http://127.0.0.1:1"), BadConfiguration, "etcd://");

    [Theory]
    [InlineData("discovery-proxy")]
    [InlineData("discovery-dashboard")]
    public async Task Embedded_store_where_there_is_none_ends_with_2(string program) =>
        AssertOneLine(await RunAsync(program, "--store", "embedded"), BadConfiguration, "embedded");

    [Theory]
    [InlineData("discovery-proxy")]
    [InlineData("discovery-dashboard")]
    public async Task Listen_address_that_is_no_url_ends_with_2(string program) =>
        AssertOneLine(await RunAsync(program, "--store", "etcd://127.0.0.1:1", "--urls", "127.0.0.1"), BadConfiguration, "127.0.0.1");

    [Fact]
    public async Task Store_s_listen_address_that_is_no_url_ends_with_2()
    {
        using var data = new TempDirectory();

        AssertOneLine(
            await RunAsync("discovery", "store", "--data-dir", data["d"], "--listen-client-urls", "nonsense"), BadConfiguration, "nonsense");
    }

    // The default ports of a stack that runs beside the tests are none of theirs.
    [Theory]
    [InlineData("discovery-proxy", "--admin-url", "http://127.0.0.1:0")]
    [InlineData("discovery-dashboard")]
    public async Task Port_in_use_ends_with_1_and_names_it(string program, params string[] others)
    {
        using Socket taken = Listen(out int port);

        AssertOneLine(
            await RunAsync(program, ["--store", "etcd://127.0.0.1:1", "--urls", $"http://127.0.0.1:{port}", .. others]), Failed, $"{port}");
    }

    [Fact]
    public async Task Store_s_port_in_use_ends_with_1_and_names_it()
    {
        using Socket taken = Listen(out int port);
        using var data = new TempDirectory();

        AssertOneLine(
            await RunAsync("discovery", "store", "--data-dir", data["d"], "--listen-client-urls", $"http://127.0.0.1:{port}",
                "--advertise-client-urls", $"http://127.0.0.1:{port}", "--listen-peer-urls", $"http://127.0.0.1:{FreePort.Next()}"),
            Failed,
            $"{port}");
    }

    /// <summary>Even root cannot make a directory below a file.</summary>
    [Theory]
    [InlineData("store")]
    [InlineData("")]
    public async Task Data_directory_that_cannot_be_written_ends_with_2_and_names_it(string command)
    {
        using var folder = new TempDirectory();
        await File.WriteAllTextAsync(folder["file"], "");
        string data = Path.Combine(folder["file"], "data");

        FinishedProcess ended = await RunAsync(
            "discovery",
            [
                .. command.Length == 0 ? Array.Empty<string>() : [command],
                "--data-dir", data, "--listen-client-urls", $"http://127.0.0.1:{FreePort.Next()}",
                "--listen-peer-urls", $"http://127.0.0.1:{FreePort.Next()}",
            ]);

        AssertOneLine(ended, BadConfiguration, data);
    }

    /// <summary>Docker may start after us: one line, no end, not ready, and the store serves on.</summary>
    [Fact]
    public async Task Missing_docker_socket_is_said_once_and_the_store_serves_on()
    {
        using var folder = new TempDirectory();
        var store = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        var admin = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        await using RunningProcess sidecar = RunningProcess.Start(
            Programs.Discovery,
            [
                "-ip", "127.0.0.1", "--host", "h", "--data-dir", folder["data"], "--admin-url", admin.OriginalString,
                "--listen-client-urls", store.OriginalString, "--listen-peer-urls", $"http://127.0.0.1:{FreePort.Next()}",
            ],
            new Dictionary<string, string?> { ["DOCKER_HOST"] = $"unix://{folder["no.sock"]}" });

        await sidecar.LineAsync("warn:");
        await WebProbe.AnswersAsync(new Uri(store, "/health"), sidecar);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await WebProbe.GetAsync(new Uri(admin, "/readyz"))).Status);
        Assert.False(sidecar.HasExited);
        Assert.Equal(0, (await sidecar.TerminateAsync()).ExitCode);
        Assert.Single(sidecar.Tail.Split('\n'), line =>
            line.Contains(" warn: Discovery.Sidecar", StringComparison.Ordinal) && line.Contains(folder["no.sock"], StringComparison.Ordinal));
    }

    /// <summary>Two machines of one name would take each other's registrations for their own.</summary>
    [Fact]
    public async Task Second_host_of_a_name_with_another_engine_is_refused()
    {
        await using RunningStore store = await RunningStore.StartAsync(StoreEngine.Etcd);
        string host = HostSetup.NewName("twin");
        await using RunningSidecar first = await RunningSidecar.StartAsync(engine.Host, host, store.Flag);
        await using RunningDockerd other = await RunningDockerd.StartAsync();
        using var folder = new TempDirectory();

        FinishedProcess second = await RunningProcess.RunAsync(
            Programs.Discovery,
            [
                "-ip", "127.0.0.1", "--host", host, "--store", store.Flag, "--data-dir", folder["data"],
                "--admin-url", $"http://127.0.0.1:{FreePort.Next()}",
            ],
            new Dictionary<string, string?> { ["DOCKER_HOST"] = other.Host });

        AssertOneLine(second, Failed, host);
        Assert.True(await first.IsReadyAsync());
    }

    [Theory, MemberData(nameof(AllPrograms))]
    public async Task Help_and_version_are_answered_with_0(string program)
    {
        FinishedProcess help = await RunAsync(program, "--help");
        FinishedProcess version = await RunAsync(program, "--version");

        Assert.Equal(0, help.ExitCode);
        Assert.Contains("--store", help.Output, StringComparison.Ordinal);
        Assert.Equal(0, version.ExitCode);
        Assert.StartsWith($"{program} ", version.Output, StringComparison.Ordinal);
    }

    private static Task<FinishedProcess> RunAsync(string program, params string[] arguments) => RunningProcess.RunAsync(
        program switch
        {
            "discovery" => Programs.Discovery,
            "discovery-proxy" => Programs.Proxy,
            _ => Programs.Dashboard,
        },
        arguments);

    /// <summary>The complaint is one line; what is logged before it is dated and does not count.</summary>
    private static void AssertOneLine(FinishedProcess ended, int exitCode, string named)
    {
        string said = $"exit code {ended.ExitCode}\n{ended.Error}{ended.Output}";
        string[] lines = [.. ended.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(static line => !IsLogged(line))];
        Assert.True(ended.ExitCode == exitCode, $"wanted exit code {exitCode}, got {said}");
        Assert.True(lines.Length == 1, $"wanted one line, got {said}");
        Assert.True(lines[0].Contains(named, StringComparison.Ordinal), $"wanted \"{named}\" named, got {said}");
    }

    private static bool IsLogged(string line) => line.Length > 10 && char.IsAsciiDigit(line[0]);

    private static Socket Listen(out int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        port = FreePort.Next();
        socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
        socket.Listen();
        return socket;
    }
}
