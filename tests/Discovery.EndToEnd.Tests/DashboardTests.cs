using Discovery.EndToEnd.Tests.Setup;
using Discovery.Testing;
using Microsoft.Playwright;

namespace Discovery.EndToEnd.Tests;

/// <summary>
/// The dashboard in a real browser: each change of a container shows by itself. That no page was reloaded is proven by a
/// mark in the page's memory, which a reload would lose.
/// </summary>
public abstract class DashboardTests(HostSetup setup, Browser browser)
{
    [Fact]
    public async Task Services_page_follows_a_container_without_a_reload()
    {
        string service = HostSetup.NewName("shown");
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync(setup.Sidecar.Store);
        (IPage page, List<string> problems) = await OpenLiveAsync(dashboard, "/services");
        ILocator row = page.Locator("tr", new() { HasText = service });

        string id = await setup.Docker.RunAsync(HostSetup.Routed(service) with { HealthCommand = SampleImage.HealthCommand });
        await SeesAsync(row, dashboard);
        await SeesAsync(row.Filter(new() { HasText = "passing" }), dashboard);
        await Browser.ScreenshotAsync(page, $"{setup.StoreEngine}-services");

        await setup.Docker.ExecAsync(id, "rm", "/up");
        await SeesAsync(row.Filter(new() { HasText = "critical" }), dashboard);
        await Browser.ScreenshotAsync(page, $"{setup.StoreEngine}-services-critical");

        await setup.Docker.StopAsync(id);
        await row.WaitForAsync(new() { State = WaitForSelectorState.Detached });

        await AssertNeverReloadedAsync(page);
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Service_page_shows_each_instance_with_container_image_and_refused_labels()
    {
        string service = HostSetup.NewName("detail");
        string id = await setup.Docker.RunAsync(HostSetup.Routed(service) with
        {
            HealthCommand = SampleImage.HealthCommand,
            Labels = new Dictionary<string, string> { ["discovery.prot"] = "8080" },
        });
        int? port = await setup.Docker.PublishedPortAsync(id, SampleImage.Port);
        await setup.Registry.OneAsync(id);
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync(setup.Sidecar.Store);
        (IPage page, _) = await OpenLiveAsync(dashboard, "/services");

        await page.GetByRole(AriaRole.Link, new() { Name = service }).First.ClickAsync();

        await SeesAsync(page.GetByText($"127.0.0.1:{port}"), dashboard);
        await SeesAsync(page.GetByText(SampleImage.Tag), dashboard);
        await SeesAsync(page.GetByText("discovery.prot"), dashboard);
        await Browser.ScreenshotAsync(page, $"{setup.StoreEngine}-service");

        string second = await setup.Docker.RunAsync(HostSetup.Routed(service) with { Name = $"{service}-2" });
        int? secondPort = await setup.Docker.PublishedPortAsync(second, SampleImage.Port);
        await SeesAsync(page.GetByText($"127.0.0.1:{secondPort}"), dashboard);
        await AssertNeverReloadedAsync(page);
    }

    [Theory]
    [InlineData("/hosts")]
    [InlineData("/members")]
    [InlineData("/routes")]
    [InlineData("/")]
    public async Task Page_opens_without_an_error_and_fits_a_phone(string path)
    {
        string service = HostSetup.NewName("page");
        string id = await setup.Docker.RunAsync(HostSetup.Routed(service));
        await setup.Registry.OneAsync(id);
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync(setup.Sidecar.Store);

        (IPage page, List<string> problems) = await OpenLiveAsync(dashboard, path);

        await SeesAsync(page.GetByText(path switch
        {
            "/hosts" => setup.Sidecar.Host,
            "/members" => "leader",
            "/" => "Recent changes",
            _ => service,
        }), dashboard);
        await Browser.ScreenshotAsync(page, $"{setup.StoreEngine}-{(path == "/" ? "overview" : path[1..])}");
        Assert.False(await Browser.OverflowsPhoneAsync(page), $"{path} is wider than a phone of 375 pixels");
        Assert.Empty(problems);
    }

    private async Task<(IPage Page, List<string> Problems)> OpenLiveAsync(RunningDashboard dashboard, string path)
    {
        (IPage page, List<string> problems) = await browser.OpenAsync(new Uri(dashboard.Url, path));
        await page.EvaluateAsync("() => { window.neverReloaded = true; }");
        return (page, problems);
    }

    private static async Task AssertNeverReloadedAsync(IPage page) =>
        Assert.True(await page.EvaluateAsync<bool>("() => window.neverReloaded === true"), "the page was reloaded");

    private static async Task SeesAsync(ILocator what, RunningDashboard dashboard)
    {
        try
        {
            await what.First.WaitForAsync(new() { State = WaitForSelectorState.Visible });
        }
        catch (TimeoutException e)
        {
            string page = await what.Page.Locator("body").InnerTextAsync();
            throw new TimeoutException($"{e.Message}\nThe page at {what.Page.Url} reads:\n{page}\n{dashboard.Tail}");
        }
    }
}

/// <summary>On the store inside the sidecar.</summary>
[Collection(SharedEngine.Name)]
public sealed class DashboardOnBundledStoreTests(BundledSetup setup, Browser browser)
    : DashboardTests(setup, browser), IClassFixture<BundledSetup>, IClassFixture<Browser>;

/// <summary>On Debian's etcd.</summary>
[Collection(SharedEngine.Name)]
public sealed class DashboardOnEtcdTests(EtcdSetup setup, Browser browser)
    : DashboardTests(setup, browser), IClassFixture<EtcdSetup>, IClassFixture<Browser>;
