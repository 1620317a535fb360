using Discovery.Catalog;
using Discovery.EtcdApi.Messages;
using Discovery.Testing;
using Google.Protobuf;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Discovery.Dashboard.Tests;

/// <summary>
/// Goal: what is written to the store is seen without a reload. How: the real program and a real etcd as processes, a
/// real browser; a mark set in the page's memory is lost if the page is ever loaded again.
/// </summary>
public sealed class LivePagesTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private static readonly LocatorAssertionsToBeVisibleOptions Patient = new() { Timeout = 15_000 };

    private RunningStore _store = null!;
    private StoreClient _client = null!;
    private RunningDashboard _dashboard = null!;

    public async Task InitializeAsync()
    {
        _store = await RunningStore.StartAsync(StoreEngine.Etcd);
        _client = _store.NewClient();
        _dashboard = await RunningDashboard.StartAsync(_store.Flag);
    }

    public async Task DisposeAsync()
    {
        await _dashboard.DisposeAsync();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task A_record_its_change_and_its_removal_appear_without_a_reload()
    {
        (IPage page, List<string> complaints) = await browser.OpenAsync(new(_dashboard.Url, "/services"));
        await page.EvaluateAsync("window.sameDocument = true");
        await Expect(page.GetByText("No services yet")).ToBeVisibleAsync(new() { Timeout = 15_000 });
        ILocator row = page.Locator("tr", new() { HasText = "web" });

        await PutAsync(Sample.Instance("web", "h1", 1));
        await Expect(row.Locator(".tally-part.passing")).ToBeVisibleAsync(Patient);
        await Browser.ShootAsync(page, "services");

        await PutAsync(Sample.Instance("web", "h1", 1, Health.Critical, "HTTP 500"));
        await Expect(row.Locator(".tally-part.critical")).ToBeVisibleAsync(Patient);

        await page.GetByRole(AriaRole.Link, new() { Name = "web", Exact = true }).ClickAsync();
        await Expect(page.GetByText("HTTP 500")).ToBeVisibleAsync(Patient);
        await Browser.ShootAsync(page, "service");

        await DeleteAsync(Sample.Instance("web", "h1", 1));
        await Expect(page.GetByText("No instance of web is registered")).ToBeVisibleAsync(Patient);

        await page.GetByRole(AriaRole.Link, new() { Name = "Overview", Exact = true }).ClickAsync();
        await Expect(page.Locator(".changes li")).ToHaveCountAsync(3, new() { Timeout = 15_000 });
        await Browser.ShootAsync(page, "overview");
        Assert.True(await page.EvaluateAsync<bool>("window.sameDocument === true"));
        Assert.Empty(complaints);
    }

    [Fact]
    public async Task A_store_that_stops_leaves_the_last_catalog_marked_stale_and_its_return_clears_it()
    {
        await PutAsync(Sample.Instance("web", "h1", 1));
        (IPage page, _) = await browser.OpenAsync(new(_dashboard.Url, "/services"));
        await Expect(page.Locator(".tally-part.passing")).ToBeVisibleAsync(Patient);

        await _store.StopAsync();
        await Expect(page.GetByText("The store is away since")).ToBeVisibleAsync(Patient);
        await Expect(page.Locator("main.stale .tally-part.passing")).ToBeVisibleAsync(Patient);
        await Browser.ShootAsync(page, "stale");

        await _store.StartAgainAsync();
        await Expect(page.Locator("main:not(.stale)")).ToBeVisibleAsync(Patient);
        await Expect(page.GetByText("The store is away since")).ToBeHiddenAsync(new() { Timeout = 15_000 });
    }

    [Fact]
    public async Task A_page_that_lost_the_dashboard_says_so_and_comes_back_by_itself()
    {
        (IPage page, _) = await browser.OpenAsync(_dashboard.Url);
        // Only a page with a circuit can lose it.
        await Expect(page.Locator("main:not([aria-busy])")).ToBeVisibleAsync(Patient);

        await _dashboard.Process.KillAsync();
        await Expect(page.Locator("#components-reconnect-modal")).ToBeVisibleAsync(Patient);
        await Browser.ShootAsync(page, "circuit-lost");

        await _dashboard.DisposeAsync();
        _dashboard = await RunningDashboard.StartAsync(_store.Flag, _dashboard.Url.Port);
        await Expect(page.Locator("#components-reconnect-modal")).ToBeHiddenAsync(new() { Timeout = 30_000 });
    }

    [Fact]
    public async Task Typing_filters_and_the_filter_stands_in_the_address()
    {
        await PutAsync(Sample.Instance("web", "h1", 1));
        await PutAsync(Sample.Instance("mail", "h2", 1));
        (IPage page, _) = await browser.OpenAsync(new(_dashboard.Url, "/services"));
        await Expect(page.Locator("tbody tr")).ToHaveCountAsync(2, new() { Timeout = 15_000 });

        await page.Keyboard.PressAsync("/");
        await page.Keyboard.TypeAsync("h2");

        await Expect(page.Locator("tbody tr")).ToHaveCountAsync(1, new() { Timeout = 15_000 });
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex(@"/services\?q=h2$"));
    }

    [Fact]
    public async Task Thousands_of_services_are_virtualised()
    {
        foreach (int[] batch in Enumerable.Range(0, 2_000).Chunk(100))
        {
            IEnumerable<RequestOp> puts = batch.Select(n => new RequestOp { RequestPut = Put(Sample.Instance($"s{n:0000}", "h1", n)) });
            await _client.TxnAsync(new TxnRequest { Success = { puts } }, CancellationToken.None);
        }

        (IPage page, List<string> complaints) = await browser.OpenAsync(new(_dashboard.Url, "/services"));
        await Expect(page.GetByText("s0000", new() { Exact = true })).ToBeVisibleAsync(Patient);
        Assert.InRange(await page.Locator("tbody tr").CountAsync(), 10, 200);

        await page.EvaluateAsync("window.scrollTo(0, document.body.scrollHeight)");
        await Expect(page.GetByText("s1999", new() { Exact = true })).ToBeVisibleAsync(Patient);
        Assert.Empty(complaints);
    }

    [Fact]
    public async Task Every_page_fits_a_phone_and_loads_nothing_from_elsewhere_in_both_themes()
    {
        await PutAsync(Sample.Instance("a-service-with-a-rather-long-name-for-its-own-good", "host-with-a-long-name-1", 1, Health.Critical,
            new string('x', 200), new InstanceRoute { Host = "a-long-name.of-some-depth.shop.example.com", Path = "/and/a/path", Source = "label discovery.host" }));
        foreach ((string path, string name) in new[] { ("/", "overview"), ("/services", "services"), ("/services/a-service-with-a-rather-long-name-for-its-own-good", "service"), ("/hosts", "hosts"), ("/members", "members"), ("/routes", "routes") })
        {
            (IPage phone, List<string> complaints) = await browser.OpenAsync(new(_dashboard.Url, path), 375, 812, ColorScheme.Dark);
            await Expect(phone.GetByText("Store connected").First).ToBeVisibleAsync(Patient);
            await Browser.ShootAsync(phone, $"phone-dark-{name}");

            Assert.True(await phone.EvaluateAsync<int>("document.documentElement.scrollWidth") <= 375, $"{path} is wider than a phone");
            Assert.Empty(complaints);
            await phone.Context.CloseAsync();
        }
    }

    private Task<PutResponse> PutAsync(ServiceInstance instance) => _client.PutAsync(Put(instance), CancellationToken.None);

    private Task<DeleteRangeResponse> DeleteAsync(ServiceInstance instance) =>
        _client.DeleteRangeAsync(new DeleteRangeRequest { Key = Put(instance).Key }, CancellationToken.None);

    private static PutRequest Put(ServiceInstance instance) => new()
    {
        Key = ByteString.CopyFromUtf8(CatalogKeys.Instance(instance.Host, instance.Service, instance.Id)),
        Value = ByteString.CopyFrom(CatalogJson.Write(instance)),
    };
}
