using System.CommandLine;
using Discovery.Catalog.Programs;
using Microsoft.Extensions.Logging;

namespace Discovery.Catalog.Tests;

public sealed class CatalogFlagsTests
{
    private readonly List<string> _problems = [];

    [Theory]
    [InlineData("embedded", "", "embedded")]
    [InlineData("etcd://127.0.0.1:2379", "", "127.0.0.1:2379")]
    [InlineData("embedded", "--store etcd://h1,h2", "h1:2379,h2:2379")]
    public void The_store_is_where_the_flag_says(string fallback, string line, string expected)
    {
        Assert.Equal(expected, Read(fallback, line)?.ToString());
        Assert.Empty(_problems);
    }

    [Theory]
    [InlineData("--store embedded", "this program holds no store")]
    [InlineData("--store http://h", "--store is \"http://h\"")]
    [InlineData("--store-ca ca.pem", "etcds://")]
    public void What_is_wrong_is_a_line(string line, string expected)
    {
        Assert.Null(Read("etcd://127.0.0.1:2379", line));
        Assert.Contains(expected, Assert.Single(_problems), StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_level_is_refused()
    {
        Assert.Equal(LogLevel.Warning, ProgramLog.Level("warn", _problems));
        Assert.Empty(_problems);

        ProgramLog.Level("loud", _problems);
        Assert.Contains("debug, info, warn or error", Assert.Single(_problems), StringComparison.Ordinal);
    }

    private StoreAddress? Read(string fallback, string line)
    {
        var flags = new CatalogFlags(fallback, allowsEmbedded: fallback == "embedded");
        var root = new RootCommand();
        foreach (Option option in flags.All)
        {
            root.Options.Add(option);
        }

        return flags.Read(root.Parse(line), _problems);
    }
}
