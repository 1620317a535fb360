using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Discovery.Tidy.Tests;

/// <summary>Who may know whom: DESIGN.md of the repository, as tests.</summary>
public sealed class LayerTests
{
    /// <summary>Each shipped project with the projects that it may reference.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Discovery.EtcdApi"] = [],
        ["Discovery.Raft"] = [],
        ["Discovery.Catalog"] = ["Discovery.EtcdApi"],
        ["Discovery.Store"] = ["Discovery.EtcdApi", "Discovery.Raft"],
        ["Discovery.Sidecar"] = ["Discovery.Catalog", "Discovery.Store"],
        ["Discovery.Proxy"] = ["Discovery.Catalog"],
        ["Discovery.Dashboard"] = ["Discovery.Catalog"],
        ["Discovery.Sample"] = [],
    };

    private static IEnumerable<string> Projects => SourceTree.Files.Where(static path => path.EndsWith(".csproj", StringComparison.Ordinal));

    private static IEnumerable<string> Shipped => Projects.Where(static path => !path.StartsWith("tests/", StringComparison.Ordinal));

    [Fact]
    public void Projects_reference_only_what_their_layer_may() => SourceTree.AssertNone(
        from path in Shipped
        let project = Path.GetFileNameWithoutExtension(path)
        from reference in References(path)
        where !Allowed.TryGetValue(project, out string[]? allowed) || !allowed.Contains(reference)
        select $"{path} references {reference}",
        "Sidecar, proxy and dashboard meet in the store's keys through Discovery.Catalog; nothing else (a new shipped project gets its line in this test).");

    [Fact]
    public void No_shipped_project_references_a_test_tool() => SourceTree.AssertNone(
        Shipped.Lines().Where(static line => Regex.IsMatch(line.Text, "Include=\"(xunit|Microsoft\\.NET\\.Test|Microsoft\\.Playwright|BenchmarkDotNet)")),
        "Test tools stay in tests/.");

    [Fact]
    public void Sidecar_hosts_the_store_in_one_place_and_knows_nothing_of_it_elsewhere() => SourceTree.AssertNone(
        from path in SourceTree.CSharp("^sidecar/Discovery.Sidecar/")
        where UsesStore(path) && !Regex.IsMatch(path, @"/(Program|EmbeddedStore|StoreFlags)\.cs$")
        select path,
        "Only what starts the store may use Discovery.Store; registration speaks to it through Discovery.Catalog, as to any etcd.");

    [Theory]
    [InlineData("^store/Discovery.Store/Keyspace/", @"Discovery\.Store\.(Consensus|Api|Watch)|Discovery\.Raft|Microsoft\.AspNetCore|\.Grpc")]
    [InlineData("^store/Discovery.Store/Consensus/", @"Discovery\.Store\.(Api|Watch)|Microsoft\.AspNetCore|\.Grpc|Discovery\.Catalog")]
    [InlineData("^store/Discovery.Store/Peers/", @"Discovery\.Store\.(Api|Watch|Keyspace)|Microsoft\.AspNetCore|Discovery\.Catalog|Google\.Protobuf")]
    [InlineData("^store/Discovery.Catalog/", @"Microsoft\.AspNetCore|Discovery\.Store|Discovery\.Raft")]
    [InlineData("^store/Discovery.EtcdApi/", @"Discovery\.(Store|Raft|Catalog|Sidecar|Proxy|Dashboard)\b")]
    [InlineData("^store/Discovery.Raft/", @"Discovery\.(EtcdApi|Store|Catalog)|Google\.Protobuf|Microsoft\.|System\.(IO|Net|Threading)")]
    public void Folder_uses_only_layers_below_it(string folder, string forbidden) => SourceTree.AssertNone(
        SourceTree.CSharp(folder).Lines().Where(line => line.Text.StartsWith("using ", StringComparison.Ordinal) && Regex.IsMatch(line.Text, forbidden)),
        "Keyspace applies, Consensus orders, Api and Watch answer: each knows only what lies below it.");

    /// <summary>The keyspace's layout is known to one class; everyone else asks it.</summary>
    [Fact]
    public void Only_catalog_keys_spells_keys() => SourceTree.AssertNone(
        SourceTree.CSharp("^(sidecar|proxy|dashboard|store)/")
            .Where(static path => !path.EndsWith("/CatalogKeys.cs", StringComparison.Ordinal))
            .Lines()
            .Where(static line => Regex.IsMatch(SourceTree.Comment().Replace(line.Text, ""), "\"/discovery/(instances|hosts|proxies|intents|routes)/")),
        "Use CatalogKeys; it alone knows the layout.");

    [Fact]
    public void Components_are_given_views_and_do_not_reach_for_the_store() => SourceTree.AssertNone(
        SourceTree.Files.Where(static path => path.EndsWith(".razor", StringComparison.Ordinal)).Lines()
            .Where(static line => Regex.IsMatch(line.Text, @"@inject\s+(StoreClient|CatalogFollower|HttpClient|LeaseSession)\b|\bnew (System\.Threading\.)?Timer\(|\block \(")),
        "A component renders what CatalogFeed publishes; calls, timers and locks live there.");

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        string solution = SourceTree.Read("Discovery.sln").Replace('\\', '/');

        SourceTree.AssertNone(
            Projects.Where(path => !solution.Contains(path, StringComparison.Ordinal)),
            "dotnet sln add it: what is not in Discovery.sln is neither built nor tested.");
    }

    private static bool UsesStore(string path) =>
        new[] { path }.Lines().Any(static line => Regex.IsMatch(line.Text, @"^using Discovery\.(Store|Raft)\b"));

    private static IEnumerable<string> References(string project) => XDocument.Parse(SourceTree.Read(project))
        .Descendants("ProjectReference")
        .Select(static reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')));
}
