using System.CommandLine;
using Discovery.Benchmarks;
using Discovery.Catalog.Programs;
using Discovery.Testing;

Option<long> count = Flags.Number("count", 200, 1, 10_000, "Starts that are measured");
Option<long> warmup = Flags.Number("warmup", 20, 0, 1_000, "Starts before, not measured");
Option<string?> store = Flags.Text("store", "bundled", "bundled (inside the sidecar, as shipped) or etcd (Debian's)");

var startLatency = new Command("start-latency", "From `docker start` to the key in the store and to the first answer through the proxy")
{
    count, warmup, store,
};
startLatency.SetAction(async (parsed, cancellation) =>
{
    StoreEngine engine = parsed.GetValue(store) == "etcd" ? StoreEngine.Etcd : StoreEngine.Bundled;
    await new StartLatency((int)parsed.GetValue(count), (int)parsed.GetValue(warmup), engine).RunAsync(Console.Out, cancellation);
    return ExitCode.Ok;
});

var root = new RootCommand("Discovery's measurements; they print, they never judge")
{
    startLatency, StoreCommands.Failover(), StoreCommands.Puts(), StoreCommands.CatchUp(),
};
foreach (Command command in CheckCost.Commands())
{
    root.Add(command);
}

return await Flags.RunAsync(root, args, Console.Error);
