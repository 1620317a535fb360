using Discovery.Testing;
using Microsoft.Playwright;

namespace Discovery.Dashboard.Tests;

/// <summary>One headless Chromium for a class of tests.</summary>
public sealed class Browser : IAsyncLifetime
{
    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;

    public async Task InitializeAsync()
    {
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = "/usr/bin/chromium",
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--disable-quic", "--no-first-run",
            ],
        });
    }

    /// <summary>Opens a page and waits for its circuit. What the page complains about, and requests to other hosts, are collected.</summary>
    internal async Task<(IPage Page, List<string> Complaints)> OpenAsync(
        Uri url, int width = 1280, int height = 800, ColorScheme colors = ColorScheme.Light)
    {
        var complaints = new List<string>();
        IBrowserContext context = await _browser.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = height }, ColorScheme = colors });
        IPage page = await context.NewPageAsync();
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
            {
                complaints.Add(message.Text);
            }
        };
        page.PageError += (_, error) => complaints.Add(error);
        page.Request += (_, request) =>
        {
            if (new Uri(request.Url) is { Scheme: not "data" } to && to.Authority != url.Authority)
            {
                complaints.Add($"request to {to}");
            }
        };
        await page.GotoAsync(url.AbsoluteUri);
        await page.Locator("main:not([aria-busy])").WaitForAsync();
        return (page, complaints);
    }

    /// <summary>Keeps what the page looks like among the build's artifacts.</summary>
    internal static Task ShootAsync(IPage page, string name) =>
        page.ScreenshotAsync(new() { Path = Path.Combine(Repository.Artifacts, "screenshots", $"dashboard-{name}.png"), FullPage = true });

    public async Task DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }
}
