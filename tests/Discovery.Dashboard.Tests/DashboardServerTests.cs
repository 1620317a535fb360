using System.Net;
using System.Net.WebSockets;
using Discovery.Testing;

namespace Discovery.Dashboard.Tests;

/// <summary>The program from outside: answers, headers, who is let in, exit codes. No store is needed.</summary>
public sealed class DashboardServerTests : IAsyncLifetime
{
    private const string NoStore = "etcd://127.0.0.1:1";

    private readonly HttpClient _http = new();
    private RunningDashboard _dashboard = null!;

    public async Task InitializeAsync() => _dashboard = await RunningDashboard.StartAsync(NoStore);

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _dashboard.DisposeAsync();
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/services")]
    [InlineData("/services/web")]
    [InlineData("/hosts")]
    [InlineData("/members")]
    [InlineData("/routes")]
    [InlineData("/healthz")]
    [InlineData("/dashboard.css")]
    [InlineData("/_framework/blazor.web.js")]
    [InlineData("/_content/Radzen.Blazor/css/standard-base.css")]
    [InlineData("/_content/Radzen.Blazor/css/standard-dark-base.css")]
    [InlineData("/_content/Radzen.Blazor/fonts/SourceSans3VF-Upright.ttf.woff2")]
    public async Task It_serves_its_pages_and_files_unpublished_from_any_folder(string path)
    {
        using HttpResponseMessage answer = await _http.GetAsync(new Uri(_dashboard.Url, path));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.NotEmpty(await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task An_unknown_page_is_404_and_says_where_to_go()
    {
        using HttpResponseMessage answer = await _http.GetAsync(new Uri(_dashboard.Url, "/nothing/here"));

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Contains("There is no such page", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_store_it_is_alive_and_not_ready_and_says_why()
    {
        using HttpResponseMessage ready = await _http.GetAsync(new Uri(_dashboard.Url, "/readyz"));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("no catalog yet", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_answer_forbids_framing_sniffing_and_other_hosts()
    {
        using HttpResponseMessage answer = await _http.GetAsync(_dashboard.Url);

        string policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("script-src 'self';", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("no-referrer", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
    }

    [Fact]
    public async Task A_foreign_host_name_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _dashboard.Url);
        request.Headers.Host = "rebound.example.com";

        using HttpResponseMessage answer = await _http.SendAsync(request);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Theory]
    [InlineData("http://evil.example.com", false)]
    [InlineData("null", false)]
    [InlineData(null, true)]
    public async Task A_circuit_opens_to_the_dashboards_own_pages_only(string? origin, bool opens)
    {
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Origin", origin ?? _dashboard.Url.GetLeftPart(UriPartial.Authority));
        var address = new UriBuilder(_dashboard.Url) { Scheme = "ws", Path = "/_blazor" }.Uri;

        if (opens)
        {
            await socket.ConnectAsync(address, CancellationToken.None);
            Assert.Equal(WebSocketState.Open, socket.State);
        }
        else
        {
            WebSocketException refused = await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(address, CancellationToken.None));
            Assert.Contains("403", refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(2, "until a login is set up", "--urls", "http://0.0.0.0:0")]
    [InlineData(2, "--store is \"embedded\"", "--store", "embedded")]
    [InlineData(2, "--store is \"http://h\"", "--store", "http://h")]
    [InlineData(2, "unknown flag --stor", "--stor", "x")]
    [InlineData(2, "--log-level is \"loud\"", "--log-level", "loud")]
    public async Task A_wrong_flag_is_one_line_and_exit_code_2(int code, string line, params string[] flags)
    {
        FinishedProcess ended = await RunningProcess.RunAsync(Programs.Dashboard, flags);

        Assert.Equal(code, ended.ExitCode);
        Assert.Contains(line, Assert.Single(ended.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_and_exit_code_1()
    {
        FinishedProcess ended = await RunningProcess.RunAsync(Programs.Dashboard, ["--store", NoStore, "--urls", _dashboard.Url.OriginalString]);

        Assert.Equal(1, ended.ExitCode);
        Assert.Contains($"{_dashboard.Url.Port}", Assert.Single(ended.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_names_the_program()
    {
        FinishedProcess ended = await RunningProcess.RunAsync(Programs.Dashboard, ["--version"]);

        Assert.Equal((0, "discovery-dashboard 0.1.0\n"), (ended.ExitCode, ended.Output));
    }

    [Fact]
    public async Task The_healthcheck_follows_the_program_and_a_signal_ends_it_with_0()
    {
        string[] check = ["--healthcheck", "--urls", _dashboard.Url.OriginalString];

        FinishedProcess alive = await RunningProcess.RunAsync(Programs.Dashboard, check);
        FinishedProcess ended = await _dashboard.Process.TerminateAsync();
        FinishedProcess gone = await RunningProcess.RunAsync(Programs.Dashboard, check);

        Assert.Equal((0, 0, 1), (alive.ExitCode, ended.ExitCode, gone.ExitCode));
    }
}
