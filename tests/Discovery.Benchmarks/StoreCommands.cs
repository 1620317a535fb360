using System.CommandLine;
using Discovery.Catalog.Programs;
using Discovery.Testing;

namespace Discovery.Benchmarks;

/// <summary>The commands that measure stores, ours beside etcd.</summary>
internal static class StoreCommands
{
    /// <summary><c>failover</c>.</summary>
    public static Command Failover()
    {
        Option<string?> engine = Engine();
        Option<long> kills = Flags.Number("kills", 30, 1, 1_000, "Leaders killed, of each engine");
        var command = new Command("failover", "How long writes stop when the leader of three is killed, and whether anything acknowledged is lost")
        {
            engine, kills,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            await new Failover(Engines(parsed.GetValue(engine)), (int)parsed.GetValue(kills)).RunAsync(Console.Out, cancellation);
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary><c>puts</c>.</summary>
    public static Command Puts()
    {
        Option<string?> engine = Engine();
        Option<long> members = Flags.Number("members", 3, 1, 7, "Members of each cluster");
        Option<long> clients = Flags.Number("clients", 100, 1, 10_000, "Calls under way at once");
        Option<long> connections = Flags.Number("connections", 10, 1, 1_000, "Connections that the clients share, dealt to all members in turn");
        Option<long> value = Flags.Number("value", 256, 1, PutConnection.ValueBytesMax, "Bytes of a value");
        Option<long> keys = Flags.Number("keys", 100_000, 1, 100_000_000, "Different keys, chosen at random");
        Option<long> seconds = Flags.Number("seconds", 10, 1, 3_600, "Length of one sample");
        Option<long> warmup = Flags.Number("warmup", 30, 0, 3_600, "Seconds of load before the first sample, for each engine");
        Option<long> pairs = Flags.Number("pairs", 5, 1, 1_000, "Samples of each engine, in turn");
        Option<string?> cores = Flags.Text("server-cores", null, "Cores of the members as taskset wants them, such as 0; then the tool takes --tool-cores");
        Option<string?> toolCores = Flags.Text("tool-cores", null, "Cores of this tool, such as 1");
        var command = new Command("puts", "Puts a second and their times, 100 clients and one, ours and etcd in turn")
        {
            engine, members, clients, connections, value, keys, seconds, warmup, pairs, cores, toolCores,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var puts = new Puts(Engines(parsed.GetValue(engine)))
            {
                Members = (int)parsed.GetValue(members),
                Shape = new PutShape((int)parsed.GetValue(clients), (int)parsed.GetValue(connections), (int)parsed.GetValue(value), parsed.GetValue(keys)),
                Seconds = parsed.GetValue(seconds),
                Warmup = parsed.GetValue(warmup),
                Pairs = (int)parsed.GetValue(pairs),
                ServerCores = parsed.GetValue(cores),
                ToolCores = parsed.GetValue(toolCores),
            };
            await puts.RunAsync(Console.Out, cancellation);
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary><c>catch-up</c>.</summary>
    public static Command CatchUp()
    {
        Option<string?> engine = Engine();
        Option<long> entries = Flags.Number("entries", 1_000_000, 1_000, 100_000_000, "Keys written while one member of three is away");
        Option<long> value = Flags.Number("value", 256, 1, PutConnection.ValueBytesMax, "Bytes of a value");
        Option<long> rate = Flags.Number("rate", 1_000, 10, 100_000, "Puts a second on the leader while it is measured");
        Option<long> seconds = Flags.Number("seconds", 10, 1, 3_600, "Length of the sample before the member comes back");
        var command = new Command("catch-up", "What a member that comes back after many entries costs the leader's puts, and how long it takes")
        {
            engine, entries, value, rate, seconds,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            foreach (StoreEngine one in Engines(parsed.GetValue(engine)))
            {
                var catchUp = new CatchUp(one, parsed.GetValue(entries), (int)parsed.GetValue(value), (int)parsed.GetValue(rate), parsed.GetValue(seconds));
                await catchUp.RunAsync(Console.Out, cancellation);
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static Option<string?> Engine() => Flags.Text("engine", "both", "ours, etcd (Debian's) or both in turn");

    private static IReadOnlyList<StoreEngine> Engines(string? name) => name switch
    {
        "ours" => [StoreEngine.Bundled],
        "etcd" => [StoreEngine.Etcd],
        "both" => [StoreEngine.Bundled, StoreEngine.Etcd],
        _ => throw new ArgumentException($"--engine is \"{name}\"; it must be ours, etcd or both"),
    };
}
