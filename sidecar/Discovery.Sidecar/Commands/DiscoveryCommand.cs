using System.CommandLine;
using Discovery.Catalog;
using Discovery.Catalog.Programs;
using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar.Commands;

/// <summary>The command line of <c>discovery</c>: reads and checks it as a whole, then runs what was asked for.</summary>
internal sealed class DiscoveryCommand(TextWriter error)
{
    /// <summary>
    /// The store of the agent that runs beside: in its container the environment says where it listens.
    /// </summary>
    private static readonly string LocalStore = LocalStoreOf(
        Environment.GetEnvironmentVariable("DISCOVERY_LISTEN_CLIENT_URLS") ?? Environment.GetEnvironmentVariable("ETCD_LISTEN_CLIENT_URLS"));

    /// <summary>All commands and flags.</summary>
    public RootCommand Root()
    {
        var common = new SharedFlags("embedded");
        var agent = new AgentFlags();
        var store = new StoreFlags();
        var registry = new Argument<string?>("registry-uri")
        {
            Arity = ArgumentArity.ZeroOrOne,
            Description = "as registrator: register in this foreign store and in no catalog (etcd://host:2379/prefix, consul://host:8500, ...)",
        };
        Option<bool> healthcheck = SelfCheck.Flag("--admin-url", "/healthz");
        var root = new RootCommand("Registers this host's containers in the catalog, and holds the catalog's store.") { registry, healthcheck };
        AddOptions(root, [.. agent.Options, .. common.StoreOptions, common.AdminOption, common.LevelOption, .. store.Options]);
        root.SetAction((parsed, cancellation) => CheckedAsync(problems =>
        {
            string? uri = parsed.GetValue(registry);
            if (uri is not null && !uri.Contains("://", StringComparison.Ordinal))
            {
                problems.Add($"unknown command \"{uri}\"; see discovery --help");
                uri = null;
            }

            SidecarOptions options = agent.Read(parsed, uri, problems);
            StoreAddress? address = common.Store(parsed, problems);
            Uri? adminUrl = common.AdminUrl(parsed, problems);
            LogLevel level = common.Level(parsed, problems);

            bool hasStore = uri is null;
            if (!hasStore && common.IsStoreGiven(parsed))
            {
                problems.Add($"a registry URI and --store do not go together in this version; for a catalog and a copy leave the URI away and give --mirror {uri}");
            }

            _ = hasStore && address?.IsEmbedded == true ? store.Read(parsed, "localhost", problems) : null;
            DockerEndpoint? docker = Endpoint(problems);
            return parsed.GetValue(healthcheck)
                ? () => SelfCheck.AskAsync("discovery", new Uri(adminUrl!, "/healthz"), error, cancellation)
                : () => Agent.RunAsync(
                    options,
                    docker!,
                    adminUrl!,
                    hasStore && address!.IsEmbedded ? (host, logs) => EmbeddedStore.StartAsync(store.Read(parsed, host, []), logs, cancellation) : null,
                    hasStore ? address : null,
                    level);
        }));
        root.Add(Store());
        root.Add(Services());
        root.Add(Members());
        root.Add(Why());
        return root;
    }

    private Command Store()
    {
        var common = new SharedFlags("embedded");
        var flags = new StoreFlags();
        Option<bool> healthcheck = SelfCheck.Flag("--listen-client-urls", "/health");
        var command = new Command("store", "Runs the store alone, without looking at containers.") { healthcheck };
        AddOptions(command, [.. flags.Options, common.LevelOption]);
        command.SetAction((parsed, cancellation) => CheckedAsync(problems =>
        {
            var options = flags.Read(parsed, Environment.MachineName, problems);
            LogLevel level = common.Level(parsed, problems);
            return parsed.GetValue(healthcheck)
                ? () => SelfCheck.AskAsync("discovery", new Uri(new Uri(options.ListenClientUrls[0]), "/health"), error, cancellation)
                : () => Agent.RunStoreAsync(logs => EmbeddedStore.StartAsync(options, logs, cancellation), level);
        }));
        return command;
    }

    private Command Services()
    {
        var common = new SharedFlags(LocalStore);
        var command = new Command("services", "Lists every instance in the catalog.");
        AddOptions(command, common.StoreOptions);
        command.SetAction((parsed, cancellation) => CheckedAsync(problems =>
        {
            StoreAddress? address = common.Store(parsed, problems);
            return () => OperatorCommands.ServicesAsync(Running(address!), cancellation);
        }));
        return command;
    }

    private Command Members()
    {
        var common = new SharedFlags(LocalStore);
        var command = new Command("members", "Lists the store's members with their roles.");
        AddOptions(command, common.StoreOptions);
        command.SetAction((parsed, cancellation) => CheckedAsync(problems =>
        {
            StoreAddress? address = common.Store(parsed, problems);
            return () => OperatorCommands.MembersAsync(Running(address!), cancellation);
        }));
        return command;
    }

    private Command Why()
    {
        var common = new SharedFlags(LocalStore);
        var container = new Argument<string>("container") { Description = "name, or beginning of the id, of a container of this host" };
        var command = new Command("why", "Says what became of a container, and why.") { container };
        AddOptions(command, [common.AdminOption]);
        command.SetAction((parsed, cancellation) => CheckedAsync(problems =>
        {
            Uri? adminUrl = common.AdminUrl(parsed, problems);
            return () => OperatorCommands.WhyAsync(adminUrl!, parsed.GetValue(container)!, cancellation);
        }));
        return command;
    }

    /// <summary>Says all problems, a line each, or runs.</summary>
    private async Task<int> CheckedAsync(Func<List<string>, Func<Task<int>>> read)
    {
        var problems = new List<string>();
        Func<Task<int>> run = read(problems);
        foreach (string problem in problems)
        {
            await error.WriteLineAsync($"discovery: {problem}");
        }

        if (problems.Count > 0)
        {
            return ExitCode.BadConfiguration;
        }

        try
        {
            return await run();
        }
        catch (ProgramEndException e)
        {
            await error.WriteLineAsync($"discovery: {e.Message}");
            return e.ExitCode;
        }
    }

    private static DockerEndpoint? Endpoint(List<string> problems)
    {
        try
        {
            return DockerEndpoint.Parse(Environment.GetEnvironmentVariable("DOCKER_HOST"), Environment.GetEnvironmentVariable("DOCKER_TLS_VERIFY"));
        }
        catch (FormatException e)
        {
            problems.Add(e.Message);
            return null;
        }
    }

    // The environment may say "embedded" for the agent that runs beside; from here its store is one like any other.
    private static StoreAddress Running(StoreAddress address) => address.IsEmbedded ? StoreAddress.Parse(LocalStore) : address;

    /// <summary>The store that listens at the first of these URLs, as a client of the same host reaches it.</summary>
    internal static string LocalStoreOf(string? listenUrls)
    {
        string first = (listenUrls ?? "").Split(',')[0];
        return !Uri.TryCreate(first, UriKind.Absolute, out Uri? url) || url.Port <= 0
            ? "etcd://127.0.0.1:2379"
            : $"etcd://{(url.Host is "0.0.0.0" or "[::]" ? "127.0.0.1" : url.Host)}:{url.Port}";
    }

    private static void AddOptions(Command command, IEnumerable<Option> options)
    {
        foreach (Option option in options)
        {
            command.Options.Add(option);
        }
    }
}
