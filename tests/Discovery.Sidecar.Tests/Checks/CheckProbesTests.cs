using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Discovery.Catalog;
using Discovery.Sidecar.Checks;
using Discovery.Sidecar.Docker;
using Discovery.Testing;

namespace Discovery.Sidecar.Tests.Checks;

/// <summary>Each way to ask, against peers that behave badly in each way that peers do.</summary>
public sealed class CheckProbesTests : IDisposable
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";

    // Answers come at once on loopback; a loaded machine is given time, a peer that never answers is not.
    private static readonly TimeSpan Patient = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Impatient = TimeSpan.FromMilliseconds(300);

    private readonly DockerClient _docker = new(DockerEndpoint.Parse("unix:///nowhere/docker.sock"));
    private readonly CheckProbes _probes;

    public CheckProbesTests() => _probes = new(_docker);

    public void Dispose()
    {
        _probes.Dispose();
        _docker.Dispose();
    }

    [Theory]
    [InlineData("200 OK", Health.Passing, "HTTP 200 OK")]
    [InlineData("204 No Content", Health.Passing, "HTTP 204 No Content")]
    [InlineData("302 Found\r\nLocation: http://127.0.0.1:1/", Health.Passing, "HTTP 302 Found (not followed)")]
    [InlineData("429 Too Many Requests", Health.Warning, "HTTP 429 Too Many Requests: why\tnot")]
    [InlineData("404 Not Found", Health.Critical, "HTTP 404 Not Found: why\tnot")]
    [InlineData("503 Service Unavailable", Health.Critical, "HTTP 503 Service Unavailable: why\tnot")]
    public async Task Http_status_decides_and_redirects_are_not_followed(string status, Health health, string summary)
    {
        string body = status.StartsWith("204", StringComparison.Ordinal) ? "" : "\n why\tnot \nmore\n";
        await using var peer = OddPeer.Answering($"HTTP/1.1 {status}\r\nContent-Length: {body.Length}\r\n\r\n{body}");

        CheckResult result = await AskAsync(Http(peer.Port), Patient);

        Assert.Equal((health, summary), (result.Status, result.Summary));
        Assert.Equal(body.Length > 0, result.Output.EndsWith("why\tnot \nmore", StringComparison.Ordinal));
        Assert.Equal(1, peer.Accepted);
    }

    /// <summary>What it says of health must not change from run to run, or the record would.</summary>
    [Fact]
    public async Task Passing_body_is_shown_and_not_part_of_the_record()
    {
        await using var peer = OddPeer.Answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12:01");

        CheckResult result = await AskAsync(Http(peer.Port), Patient);

        Assert.Equal(("HTTP 200 OK", "HTTP 200 OK\n12:01"), (result.Summary, result.Output));
    }

    [Fact]
    public async Task Request_is_the_one_that_was_asked_for()
    {
        var heads = new TaskCompletionSource<string>();
        await using var peer = new OddPeer(async (socket, cancellation) =>
        {
            byte[] buffer = new byte[4096];
            heads.SetResult(Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, cancellation)));
            await socket.SendAsync(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), cancellation);
        });

        await AskAsync(Http(peer.Port) with { Path = "/healthz?full=1", Method = "HEAD" }, Patient);
        string head = await heads.Task;

        Assert.StartsWith("HEAD /healthz?full=1 HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.Contains("Connection: close", head, StringComparison.Ordinal);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"Host: 127.0.0.1:{peer.Port}\r\n"), head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_http_check_makes_a_connection_of_its_own_and_closes_it()
    {
        // Would be glad to keep the connection.
        await using var peer = new OddPeer(async (socket, cancellation) =>
        {
            await OddPeer.ReadHeadAsync(socket, cancellation);
            await socket.SendAsync(Encoding.ASCII.GetBytes(Ok), cancellation);
            await OddPeer.ReadToEndAsync(socket, cancellation);
        });

        for (int i = 1; i <= 20; i++)
        {
            Assert.Equal(Health.Passing, (await AskAsync(Http(peer.Port), Patient)).Status);
            Assert.Equal(i, peer.Accepted);
        }

        await Eventually.HoldsAsync(() => peer.Open == 0, () => $"{peer.Open} are open");
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")]
    [InlineData("HTTP/1.1 200")]
    [InlineData("")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    public async Task Answer_that_ends_in_its_middle_or_is_none_is_critical(string answer)
    {
        await using var peer = OddPeer.Answering(answer);

        Assert.Equal(Health.Critical, (await AskAsync(Http(peer.Port), Patient)).Status);
    }

    [Fact]
    public async Task Endless_headers_are_critical()
    {
        await using var peer = OddPeer.Answering([.. Enumerable.Repeat($"X-Filler: {new string('x', 1000)}\r\n", 1000).Prepend("HTTP/1.1 200 OK\r\n")]);

        Assert.Equal(Health.Critical, (await AskAsync(Http(peer.Port), Patient)).Status);
    }

    [Fact]
    public async Task Huge_body_is_read_to_four_kilobytes_and_left()
    {
        long sent = 0;
        await using var peer = new OddPeer(async (socket, cancellation) =>
        {
            await OddPeer.ReadHeadAsync(socket, cancellation);
            await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n"u8.ToArray(), cancellation);
            byte[] piece = Encoding.ASCII.GetBytes(new string('x', 64 * 1024));
            while (true)
            {
                sent += await socket.SendAsync(piece, cancellation);
            }
        });

        CheckResult result = await AskAsync(Http(peer.Port), Patient);
        await Eventually.HoldsAsync(() => peer.Open == 0);

        Assert.Equal(Health.Passing, result.Status);
        Assert.Equal(CheckLimits.Output, result.Output.Length);
        Assert.InRange(sent, 1, 100_000_000);
    }

    [Fact]
    public async Task Answer_that_drips_is_not_waited_for()
    {
        await using var peer = new OddPeer(async (socket, cancellation) =>
        {
            await OddPeer.ReadHeadAsync(socket, cancellation);
            await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\nx"u8.ToArray(), cancellation);
            await OddPeer.ReadToEndAsync(socket, cancellation);
        });

        CheckResult result = await AskAsync(Http(peer.Port), Impatient);
        await Eventually.HoldsAsync(() => peer.Open == 0);

        Assert.Equal((Health.Critical, "HTTP 200 OK, but the rest of the answer did not come in time"), (result.Status, result.Summary));
    }

    [Fact]
    public async Task Who_accepts_and_says_nothing_passes_tcp_alone()
    {
        await using var peer = OddPeer.Silent();

        CheckResult tcp = await AskAsync(Spec(CheckType.Tcp, peer.Port), Patient);
        CheckResult http = await AskAsync(Http(peer.Port), Impatient);
        CheckResult grpc = await AskAsync(Spec(CheckType.Grpc, peer.Port), Impatient);
        await Eventually.HoldsAsync(() => peer.Open == 0, () => $"{peer.Open} are open");

        Assert.Equal(Health.Passing, tcp.Status);
        Assert.Equal((Health.Critical, Health.Critical), (http.Status, grpc.Status));
        Assert.Contains("300ms", http.Summary, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Http")]
    [InlineData("Https")]
    [InlineData("Tcp")]
    [InlineData("Grpc")]
    public async Task Refused_connection_is_critical_and_says_where(string type)
    {
        int port = FreePort.Next();

        CheckResult result = await AskAsync(Spec(Enum.Parse<CheckType>(type), port), Patient);

        Assert.Equal(Health.Critical, result.Status);
        Assert.Contains(port.ToString(CultureInfo.InvariantCulture), result.Summary, StringComparison.Ordinal);
        Assert.Contains("refused", result.Summary, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Http")]
    [InlineData("Https")]
    [InlineData("Grpc")]
    public async Task Reset_connection_is_critical(string type)
    {
        await using var peer = new OddPeer(async (socket, cancellation) =>
        {
            await socket.ReceiveAsync(new byte[1], cancellation);
            socket.LingerState = new(true, 0);
        });

        Assert.Equal(Health.Critical, (await AskAsync(Spec(Enum.Parse<CheckType>(type), peer.Port), Patient)).Status);
    }

    /// <summary>How: a listener whose queue of connections is full drops the packets of further ones, as a host that is gone does.</summary>
    [Fact]
    [SuppressMessage("Reliability", "CA2000", Justification = "The sockets are disposed with their list.")]
    public async Task Connection_that_nobody_answers_is_given_up_at_the_deadline()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        List<Socket> fill = [.. Enumerable.Range(0, 4).Select(static _ => new Socket(SocketType.Stream, ProtocolType.Tcp))];
        Task[] connecting = [.. fill.Select(s => s.ConnectAsync(IPAddress.Loopback, port))];

        CheckResult? result = null;
        await Eventually.HoldsAsync(async () => (result = await AskAsync(Spec(CheckType.Tcp, port), Impatient)).Status == Health.Critical);
        fill.ForEach(static s => s.Dispose());
        await Task.WhenAll(connecting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

        Assert.StartsWith("no answer within 300ms", result!.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Engine_that_is_away_says_nothing_of_the_container()
    {
        using var deadline = new CancellationTokenSource(Patient);

        Assert.Null(await _probes.AskAsync("c1", new() { Name = "exec", Type = CheckType.Exec, Command = ["true"] }, deadline.Token));
    }

    private static CheckSpec Http(int port) => Spec(CheckType.Http, port) with { Path = "/" };

    private static CheckSpec Spec(CheckType type, int port) => new()
    {
        Name = "check",
        Type = type,
        IsTls = type == CheckType.Https,
        Target = new("127.0.0.1", port, "test"),
    };

    private async Task<CheckResult> AskAsync(CheckSpec spec, TimeSpan timeout)
    {
        using var deadline = new CancellationTokenSource(timeout);
        return (await _probes.AskAsync("c1", spec with { Timeout = timeout }, deadline.Token))!;
    }
}
