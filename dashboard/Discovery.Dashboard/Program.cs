using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;
using Discovery.Catalog.Programs;
using Discovery.Dashboard;

Option<string?> store = Flags.Text("store", "etcd://127.0.0.1:2379", "Whose catalog to show: etcd://[user:password@]host:port[,host:port…], or etcds:// for TLS");
Option<string?> ca = Flags.Text("store-ca", null, "PEM file of the certificate authority that the store's certificates must come from");
Option<string?> certificate = Flags.Text("store-cert", null, "PEM file of the client certificate for the store");
Option<string?> key = Flags.Text("store-key", null, "PEM file of that certificate's key");
Option<string?> urls = Flags.Text("urls", DashboardOptions.UrlsDefault, "Where to listen; loopback only");
Option<string?> level = Flags.Text("log-level", "info", "The least level that is logged to standard error: debug, info, warn, error");
Option<bool> healthcheck = Flags.Switch("healthcheck", "Ask the dashboard that runs at --urls whether it is alive, and end with 0 or 1");

var root = new RootCommand("Discovery's dashboard: services, hosts, routes and the store's members, live in a browser.")
{
    store, ca, certificate, key, urls, level, healthcheck,
};
root.Options.OfType<VersionOption>().Single().Action = new PrintVersion();
root.SetAction(async (parsed, cancellation) =>
{
    DashboardOptions options;
    try
    {
        options = DashboardOptions.Parse(
            parsed.GetValue(store)!, parsed.GetValue(ca), parsed.GetValue(certificate), parsed.GetValue(key), parsed.GetValue(urls)!, parsed.GetValue(level)!);
    }
    catch (FormatException e)
    {
        await Console.Error.WriteLineAsync($"{DashboardServer.Name}: {e.Message}");
        return ExitCode.BadConfiguration;
    }

    return parsed.GetValue(healthcheck)
        ? await DashboardServer.CheckHealthAsync(options.Urls[0], Console.Error, cancellation)
        : await DashboardServer.RunAsync(options, Console.Error, cancellation);
});
return await Flags.RunAsync(root, args, Console.Error);

/// <summary><c>--version</c>: the program and its version on one line.</summary>
internal sealed class PrintVersion : SynchronousCommandLineAction
{
    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        string? version = typeof(PrintVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        parseResult.InvocationConfiguration.Output.WriteLine($"{DashboardServer.Name} {version}");
        return ExitCode.Ok;
    }
}
