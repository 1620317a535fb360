using System.Net;
using Discovery.EndToEnd.Tests.Setup;
using Discovery.Testing;
using Microsoft.Playwright;

namespace Discovery.EndToEnd.Tests;

/// <summary>
/// The README's first command, from a clean copy of the sources, on an engine of its own: what a newcomer sees within the
/// first minutes. One test, because bringing the stack up is most of its time.
/// </summary>
public sealed class ComposeTests(Browser browser) : IClassFixture<Browser>
{
    /// <summary>Building four images on a loaded machine of two cores.</summary>
    private static readonly TimeSpan UpPatience = TimeSpan.FromMinutes(6);

    /// <summary>What README promises from `docker run` to the first answer.</summary>
    private static readonly TimeSpan Promise = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task Stack_comes_up_routes_a_new_container_within_3_s_forgets_it_and_goes_down()
    {
        await using RunningDockerd engine = await RunningDockerd.StartAsync();
        await using var docker = new DockerEngine(engine.Host);
        using var copy = new CleanCopy();
        var http = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        var dashboard = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        var store = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        var settings = new Dictionary<string, string?>
        {
            ["DOCKER_HOST"] = engine.Host,
            ["DISCOVERY_HTTP_PORT"] = $"{http.Port}",
            ["DISCOVERY_DASHBOARD_PORT"] = $"{dashboard.Port}",
            ["DISCOVERY_STORE_PORT"] = $"{store.Port}",
            ["DISCOVERY_ADMIN_PORT"] = $"{FreePort.Next()}",
            ["DISCOVERY_PROXY_ADMIN_PORT"] = $"{FreePort.Next()}",
            ["DISCOVERY_IP"] = "127.0.0.1",
        };

        FinishedProcess up = await ScriptAsync(copy["compose/up.sh"], settings);
        Assert.Contains($"127.0.0.1:{dashboard.Port}", up.Output, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await WebProbe.GetAsync(http, "sample.localhost")).Status);

        (IPage page, _) = await browser.OpenAsync(new Uri(dashboard, "/services"));
        ILocator row = page.Locator("tr", new() { HasText = "hello" });
        string hello = await docker.RunAsync(new ContainerSpec
        {
            Image = "discovery-sample",
            Name = "hello-1",
            Environment = new Dictionary<string, string> { ["SERVICE_NAME"] = "hello" },
        });
        await Eventually.HoldsAsync(
            async () => (await WebProbe.GetAsync(http, "hello.localhost")).Status == HttpStatusCode.OK, within: Promise);
        var etcdctl = new Etcdctl(store);
        Assert.Contains("/hello/", await etcdctl.RunAsync("get", "--prefix", "/discovery/instances"), StringComparison.Ordinal);
        await row.First.WaitForAsync();
        await Browser.ScreenshotAsync(page, "compose");

        await docker.StopAsync(hello);
        await Eventually.HoldsAsync(async () => (await WebProbe.GetAsync(http, "hello.localhost")).Status == HttpStatusCode.NotFound);
        Assert.DoesNotContain("/hello/", await etcdctl.RunAsync("get", "--prefix", "/discovery/instances"), StringComparison.Ordinal);
        await row.WaitForAsync(new() { State = WaitForSelectorState.Detached });

        await ScriptAsync(copy["compose/up.sh"], settings);
        Assert.Equal(HttpStatusCode.OK, (await WebProbe.GetAsync(http, "sample.localhost")).Status);
        await ScriptAsync(copy["compose/down.sh"], settings);
        await Assert.ThrowsAsync<HttpRequestException>(() => WebProbe.GetAsync(http, "sample.localhost"));
    }

    private static async Task<FinishedProcess> ScriptAsync(string path, Dictionary<string, string?> settings)
    {
        FinishedProcess ended = await RunningProcess.RunAsync("/bin/bash", [path], settings, UpPatience);
        Assert.True(ended.ExitCode == 0, $"{Path.GetFileName(path)} ended with {ended.ExitCode}:\n{ended.Output}\n{ended.Error}");
        return ended;
    }
}
