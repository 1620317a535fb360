using System.Reflection;
using Discovery.Sample;

const string Usage = """
    discovery-sample: a tiny HTTP service to try Discovery with.

      discovery-sample                  serve on PORT (environment, default 8080)
      discovery-sample --healthcheck    ask the running service on PORT for /healthz; exit 0 if it passes, else 1
      discovery-sample --version
      discovery-sample --help

      GET  /             one line: service, container, version, number of requests so far
      GET  /healthz      200, or 503 after POST /fail
      POST /fail, /pass  make the health check fail, pass again
      GET  /slow?ms=500  answers after that many milliseconds (0 to 60000)

    Environment: PORT, SERVICE_NAME (default "sample") and SAMPLE_VERSION (default the program's) are what it says of itself.
    """;

string assemblyVersion = typeof(SampleService).Assembly
    .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

if (args is ["--help" or "-h"])
{
    Console.WriteLine(Usage);
    return 0;
}

if (args is ["--version"])
{
    Console.WriteLine($"discovery-sample {assemblyVersion}");
    return 0;
}

if (args is not ([] or ["--healthcheck"]))
{
    await Console.Error.WriteLineAsync($"unknown arguments '{string.Join(' ', args)}'; see --help");
    return 2;
}

string portText = Environment.GetEnvironmentVariable("PORT") is { Length: > 0 } given ? given : "8080";
if (!ushort.TryParse(portText, out ushort port) || port == 0)
{
    await Console.Error.WriteLineAsync($"PORT is '{portText}'; it must be a number from 1 to 65535");
    return 2;
}

if (args is ["--healthcheck"])
{
    return await HealthProbe.RunAsync(port);
}

string name = Environment.GetEnvironmentVariable("SERVICE_NAME") is { Length: > 0 } named ? named : "sample";
string version = Environment.GetEnvironmentVariable("SAMPLE_VERSION") is { Length: > 0 } stated ? stated : assemblyVersion;

return await new SampleService(name, version).RunAsync(port);
