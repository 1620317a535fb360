using System.Text.RegularExpressions;

namespace Discovery.Tidy.Tests;

/// <summary>The cores decide and do nothing else: no time, chance, threads, files, sockets or logs of their own.</summary>
public sealed partial class PurityTests
{
    private const string PureFiles =
        @"^store/Discovery\.Raft/|^store/Discovery\.Store/Keyspace/|/ContainerRules[^/]*\.cs$|/RegistrationPlan[^/]*\.cs$|/RouteTable[^/]*\.cs$|^dashboard/.*/Views/"
        + @"|/Mirrors/(MirrorPlan|MirrorLayout|ConsulRegistration|ServiceId)\.cs$|/DropIn/Registrator(Rules|Metadata)\.cs$"
        + @"|/Check(Rules|Labels|Settings|Targets|Duration|Spec|Result|State|Schedule|Board)\.cs$";

    [Fact]
    public void Cores_use_no_time_threads_chance_or_outside_world() => SourceTree.AssertNone(
        SourceTree.CSharp(PureFiles).Lines().Where(static line => Effects().IsMatch(line.Code)),
        "A pure core: take `now`, a tick, a Random or the data as an argument, and leave the effect to the loop around it.");

    /// <summary>Goal: the rule reads what it is meant to read.</summary>
    [Fact]
    public void Rule_finds_cores() =>
        Assert.True(SourceTree.CSharp(PureFiles).Count() > 3, $"only {SourceTree.CSharp(PureFiles).Count()} files match {PureFiles}");

    [Fact]
    public void Raft_references_nothing() => SourceTree.AssertNone(
        new[] { "store/Discovery.Raft/Discovery.Raft.csproj" }.Lines().Where(static line =>
            line.Text.Contains("<ProjectReference", StringComparison.Ordinal)
            || line.Text.Contains("<PackageReference", StringComparison.Ordinal)
            || line.Text.Contains("<FrameworkReference", StringComparison.Ordinal)),
        "The algorithm references nothing: what it needs is handed in.");

    [GeneratedRegex(
        @"\b(async|await|lock|Thread|Monitor|Interlocked|SemaphoreSlim|Task|ValueTask|Channel|Timer|PeriodicTimer|Stopwatch|TimeProvider"
        + @"|DateTime\.(Now|UtcNow)|DateTimeOffset\.(Now|UtcNow)|Random\.Shared|Guid\.NewGuid|File|FileStream|Directory|Socket|HttpClient|Process"
        + @"|ILogger|ILoggerFactory|LoggerMessage|Console|IServiceProvider)\b(?!\s*[:=>])")]
    private static partial Regex Effects();
}
