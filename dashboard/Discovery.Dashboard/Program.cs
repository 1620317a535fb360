using System.CommandLine;
using Discovery.Catalog;
using Discovery.Catalog.Programs;
using Discovery.Dashboard;

var catalog = new CatalogFlags("etcd://127.0.0.1:2379");
Option<string?> urls = Flags.Text("urls", DashboardOptions.UrlsDefault, "where to listen, comma-separated; loopback only");
Option<string?> logLevel = ProgramLog.Flag();
Option<bool> healthcheck = SelfCheck.Flag("--urls", "/healthz");

var root = new RootCommand("Discovery's dashboard: services, hosts, routes and the store's members, live in a browser.")
{
    urls, logLevel, healthcheck,
};
foreach (Option option in catalog.All)
{
    root.Options.Add(option);
}

root.SetAction(async (parsed, cancellation) =>
{
    var problems = new List<string>();
    StoreAddress? store = catalog.Read(parsed, problems);
    EquatableArray<Uri> listen = DashboardOptions.ParseUrls(parsed.GetValue(urls)!, problems);
    LogLevel level = ProgramLog.Level(parsed.GetValue(logLevel)!, problems);
    foreach (string problem in problems)
    {
        await Console.Error.WriteLineAsync($"{DashboardServer.Name}: {problem}");
    }

    return problems.Count > 0 ? ExitCode.BadConfiguration
        : parsed.GetValue(healthcheck)
        ? await SelfCheck.AskAsync(DashboardServer.Name, new Uri(listen[0], "/healthz"), Console.Error, cancellation)
        : await DashboardServer.RunAsync(new() { Store = store!, Urls = listen, LogLevel = level }, Console.Error, cancellation);
});
return await Flags.RunAsync(root, args, Console.Error);
