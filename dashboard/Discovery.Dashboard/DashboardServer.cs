using Discovery.Catalog;
using Discovery.Catalog.Programs;
using Discovery.Dashboard.Components;
using Discovery.Dashboard.Web;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Discovery.Dashboard;

/// <summary>The program: starts top to bottom, serves, stops as asked.</summary>
internal static partial class DashboardServer
{
    /// <summary>What the program is called.</summary>
    public const string Name = "discovery-dashboard";

    /// <summary>Serves until SIGTERM or SIGINT.</summary>
    /// <param name="options">All settings.</param>
    /// <param name="error">For the one line that says why it did not start.</param>
    /// <param name="cancellation">Stops it as a signal does.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(DashboardOptions options, TextWriter error, CancellationToken cancellation)
    {
        using var client = new StoreClient(options.Store);
        await using WebApplication app = Build(options, client);
        try
        {
            await app.StartAsync(cancellation);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            await error.WriteLineAsync($"{Name}: {e.Message} Stop the other program, or choose another port with --urls");
            return ExitCode.Failed;
        }

        IEnumerable<string> addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        LogListening(app.Logger, string.Join(' ', addresses), options.Store);

        // After the server: a port in use is then the only thing said. The feed ends by itself only when it fails.
        CatalogFeed feed = app.Services.GetRequiredService<CatalogFeed>();
        await feed.StartAsync(cancellation);
        Task loop = feed.ExecuteTask!;
        await Task.WhenAny(app.WaitForShutdownAsync(cancellation), loop);
        if (loop.Exception is { } failure)
        {
            LogFailed(app.Logger, failure);
        }

        await feed.StopAsync(CancellationToken.None);
        await app.StopAsync(CancellationToken.None);
        return loop.IsFaulted ? ExitCode.Failed : ExitCode.Ok;
    }

    private static WebApplication Build(DashboardOptions options, StoreClient client)
    {
        // The files lie beside the program, wherever it is started from; when it was built and not published, the
        // build's manifest says where, which by default is read in Development only.
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            ApplicationName = Name,
            ContentRootPath = AppContext.BaseDirectory,
            EnvironmentName = Environments.Production,
        });
        builder.WebHost.UseStaticWebAssets();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = Limits.Connections;
            kestrel.Limits.MaxConcurrentUpgradedConnections = Limits.Connections;
        });
        builder.WebHost.UseUrls([.. options.Urls.Select(static u => u.OriginalString)]);
        ConfigureLogging(builder.Logging, options.LogLevel);

        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(services =>
        {
            var follower = new CatalogFollower(client, TimeProvider.System, services.GetRequiredService<ILogger<CatalogFollower>>());
            return new CatalogFeed(follower.FollowAsync, new MemberSurvey(client, TimeProvider.System).AskAsync, TimeProvider.System);
        });

        // Keys guard only the circuits of this process; nothing is worth a file.
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        builder.Services.AddHostFiltering(filter =>
        {
            filter.AllowedHosts = [.. options.Urls.Select(static u => u.Host).Union(["localhost", "127.0.0.1", "[::1]"])];
            filter.AllowEmptyHosts = false;
        });
        builder.Services.AddRazorComponents().AddInteractiveServerComponents(static circuits =>
        {
            circuits.DisconnectedCircuitMaxRetained = Limits.CircuitsDisconnected;
            circuits.DisconnectedCircuitRetentionPeriod = Limits.CircuitRetention;
        });

        WebApplication app = builder.Build();
        app.UseHostFiltering();
        app.UseMiddleware<BrowserGuard>();
        app.UseStatusCodePagesWithReExecute("/not-found", createScopeForStatusCodePages: true);
        app.UseAntiforgery();
        app.MapHealth();
        app.MapStaticAssets();
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(static circuits =>
            circuits.ContentSecurityFrameAncestorsPolicy = null); // BrowserGuard's policy is the stricter one.
        return app;
    }

    private static void ConfigureLogging(ILoggingBuilder logging, LogLevel level)
    {
        ProgramLog.Configure(logging, level);
        logging.AddFilter("System", level > LogLevel.Warning ? level : LogLevel.Warning);

        // Unpublished there is no wwwroot beside the program; the manifest serves the files all the same. A failed
        // start is said in one line by RunAsync.
        logging.AddFilter("Microsoft.AspNetCore.StaticFiles", LogLevel.Error);
        logging.AddFilter("Microsoft.AspNetCore.StaticAssets", LogLevel.Error);
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        logging.AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);
    }

    [LoggerMessage(4001, LogLevel.Information, "Dashboard of the store at {Store} on {Urls}")]
    private static partial void LogListening(ILogger logger, string urls, StoreAddress store);

    [LoggerMessage(4002, LogLevel.Critical, "The feed has failed; the program ends")]
    private static partial void LogFailed(ILogger logger, Exception failure);
}
