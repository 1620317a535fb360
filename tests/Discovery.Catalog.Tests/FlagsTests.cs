using System.CommandLine;
using Discovery.Catalog.Programs;

namespace Discovery.Catalog.Tests;

public sealed class FlagsTests
{
    private readonly StringWriter _error = new();
    private readonly Option<string?> _name = Flags.Text("name", "default", "a name");
    private readonly Option<bool> _internal = Flags.Switch("internal", "a switch");
    private readonly Option<long> _retries = Flags.Number("retry-attempts", 0, -1, 100, "a number");
    private readonly Option<Duration> _ttl = Flags.Duration(
        "ttl", TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(1), "a time");

    private string _seen = "";

    [Theory]
    [InlineData("", "default False 0 15s")]
    [InlineData("-name a -internal", "a True 0 15s")]
    [InlineData("--name=a --internal=false --ttl 30", "a False 0 30s")]
    [InlineData("-name=a=b -ttl=2m -retry-attempts -1", "a=b False -1 2m")]
    [InlineData("-ttl 5500ms", "default False 0 5500ms")]
    public async Task Flags_are_spelt_as_in_Go(string line, string expected)
    {
        Assert.Equal(0, await RunAsync(line));
        Assert.Equal(expected, _seen);
    }

    [Theory]
    [InlineData("--nmae x", "unknown flag --nmae; did you mean --name?")]
    [InlineData("-zzzzzzzzz", "unknown flag --zzzzzzzzz See --help")]
    [InlineData("--ttl 1s", "--ttl is \"1s\"; it must be a time from 5s to 10m, such as 15s")]
    [InlineData("--ttl soon", "--ttl is \"soon\"; it must be a time")]
    [InlineData("--internal=maybe", "--internal is \"maybe\"; it must be true or false")]
    [InlineData("--retry-attempts 1.5", "--retry-attempts is \"1.5\"; it must be a whole number from -1 to 100")]
    [InlineData("stray", "unexpected argument \"stray\"")]
    [InlineData("--name", "--name")]
    public async Task What_is_wrong_is_one_line_and_exit_code_2(string line, string expected)
    {
        Assert.Equal(2, await RunAsync(line));

        string said = Assert.Single(_error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(expected, said, StringComparison.Ordinal);
        Assert.Equal("", _seen);
    }

    [Fact]
    public async Task The_environment_stands_between_flag_and_default()
    {
        Option<string?> fromEnvironment = Flags.Text("catalog-tests-region", "default", "a text");
        Environment.SetEnvironmentVariable("DISCOVERY_CATALOG_TESTS_REGION", "from-environment");
        var seen = new List<string?>();
        var root = new RootCommand { fromEnvironment };
        root.SetAction(parsed => seen.Add(parsed.GetValue(fromEnvironment)));

        await Flags.RunAsync(root, [], _error);
        await Flags.RunAsync(root, ["--catalog-tests-region", "flag"], _error);

        Assert.Equal(["from-environment", "flag"], seen);
    }

    /// <summary>A parser that does not know a flag hands it to the command as its argument; it must not get there.</summary>
    [Theory]
    [InlineData("--nmae x")]
    [InlineData("--nmae=x")]
    [InlineData("-nmae")]
    public async Task Unknown_flag_is_named_where_an_argument_could_stand(string line)
    {
        var root = new RootCommand { _name, new Argument<string?>("uri") { Arity = ArgumentArity.ZeroOrOne } };
        root.SetAction(_ => _seen = "ran");

        Assert.Equal(2, await Flags.RunAsync(root, line.Split(' '), _error));

        Assert.Contains("unknown flag --nmae; did you mean --name?", Assert.Single(_error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Equal("", _seen);
    }

    private Task<int> RunAsync(string line)
    {
        var root = new RootCommand("test") { _name, _internal, _retries, _ttl };
        root.SetAction(parsed =>
            _seen = $"{parsed.GetValue(_name)} {parsed.GetValue(_internal)} {parsed.GetValue(_retries)} {Flags.Format(parsed.GetValue(_ttl))}");
        return Flags.RunAsync(root, line.Split(' ', StringSplitOptions.RemoveEmptyEntries), _error);
    }
}
