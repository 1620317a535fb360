using Discovery.Testing;
using Microsoft.Playwright;

namespace Discovery.EndToEnd.Tests.Setup;

/// <summary>Debian's Chromium without a window. Screenshots are kept under artifacts/screenshots.</summary>
public sealed class Browser : IAsyncLifetime
{
    /// <summary>A desk and a phone, in CSS pixels.</summary>
    private static readonly (string Name, int Width, int Height)[] Screens = [("1280", 1280, 900), ("375", 375, 812)];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <inheritdoc/>
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

    /// <summary>A page of a fresh profile, once it is live; every error in its console is collected.</summary>
    public async Task<(IPage Page, List<string> Problems)> OpenAsync(Uri url)
    {
        IPage page = await _browser!.NewPageAsync(new() { ViewportSize = Size(0) });
        page.SetDefaultTimeout((float)Eventually.Patience.TotalMilliseconds);
        var problems = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
            {
                problems.Add(message.Text);
            }
        };
        page.PageError += (_, error) => problems.Add(error);
        await page.GotoAsync(url.OriginalString);

        // Until its circuit is up a page is only a picture of itself.
        await page.Locator("main:not([aria-busy])").WaitForAsync();
        return (page, problems);
    }

    /// <summary>Keeps the page as it is, in both widths.</summary>
    public static async Task ScreenshotAsync(IPage page, string name)
    {
        for (int screen = 0; screen < Screens.Length; screen++)
        {
            await page.SetViewportSizeAsync(Screens[screen].Width, Screens[screen].Height);
            await page.ScreenshotAsync(new()
            {
                Path = Path.Combine(Repository.Artifacts, "screenshots", $"{name}-{Screens[screen].Name}.png"),
                FullPage = true,
            });
        }

        await page.SetViewportSizeAsync(Screens[0].Width, Screens[0].Height);
    }

    /// <summary>Whether the page is wider than the phone that shows it.</summary>
    public static async Task<bool> OverflowsPhoneAsync(IPage page)
    {
        await page.SetViewportSizeAsync(Screens[1].Width, Screens[1].Height);
        bool overflows = await page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth > window.innerWidth");
        await page.SetViewportSizeAsync(Screens[0].Width, Screens[0].Height);
        return overflows;
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }

    private static ViewportSize Size(int screen) => new() { Width = Screens[screen].Width, Height = Screens[screen].Height };
}
