using Discovery.Catalog.Programs;
using Discovery.Sidecar.Commands;

return await Flags.RunAsync(new DiscoveryCommand(Console.Error).Root(), args, Console.Error);
