using System.Text.Json;
using Discovery.Sidecar.DropIn.Templates;
using Discovery.Testing;

namespace Discovery.Sidecar.Tests.DropIn.Templates;

public sealed class TemplateBoundsTests
{
    private static readonly string[] Pieces =
    [
        "{{", "}}", "{{-", "-}}", " ", "if ", "else", "end", "range ", "with ", "break", "$x", ":=", "=", "|", "(", ")", ",", ".", ".Name", ".Config.Env", "\"a\"", "`b`", "'c'",
        "1", "-2", "1.5", "nil", "true", "print ", "printf ", "\"%5d%q\"", "index ", "slice ", "eq ", "and ", "split ", "join ", "matchAllElements ", "\"(\"", "\\", "\"", "/*", "*/", "é", "😀",
        "replace ", "strSlice ", "jsonParse ", "{{range .Config.Env}}", "{{end}}", "{{$x := 1}}", "{{else}}",
    ];

    [Fact]
    public void Long_template_is_refused()
    {
        Assert.Null(GoTemplate.Parse(new string('a', TemplateLimits.Template)).Error);
        Assert.Contains("at most 16384", GoTemplate.Parse(new string('a', TemplateLimits.Template + 1)).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{", "(", "1", ")", "}}")]
    [InlineData("", "{{if true}}", "1", "{{end}}", "")]
    [InlineData("{{if true}}1", "{{else if true}}", "", "", "{{end}}")]
    public void Deep_nesting_is_refused(string before, string open, string middle, string close, string after)
    {
        string Nested(int depth) => before + string.Concat(Enumerable.Repeat(open, depth)) + middle + string.Concat(Enumerable.Repeat(close, depth)) + after;

        Assert.Equal("1", InspectSample.Text(Nested(TemplateLimits.Nesting - 1)));
        Assert.Contains("nested deeper than 64", InspectSample.Error(Nested(TemplateLimits.Nesting + 1)), StringComparison.Ordinal);
        Assert.Contains("nested deeper than 64", InspectSample.Error(Nested(500)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{range 9223372036854775807}}{{end}}", "steps")]
    [InlineData("{{range 1000000}}{{range 1000000}}{{range 1000000}}{{end}}{{end}}{{end}}", "steps")]
    [InlineData("{{range 100000}}x{{end}}", "writes more than 65536 characters")]
    [InlineData("{{$x := .ID}}{{range 100}}{{$x = print $x $x}}{{end}}", "at most 262144 are allowed")]
    [InlineData("{{$x := .ID}}{{range 11}}{{$x = print $x $x}}{{end}}{{range 1000}}{{toUpper $x | len}}{{end}}", "steps")]
    [InlineData("{{$x := .ID}}{{range 11}}{{$x = print $x $x}}{{end}}{{replace -1 \"\" $x $x}}", "replace: its result would have")]
    [InlineData("{{$x := .ID}}{{range 11}}{{$x = print $x $x}}{{end}}{{join $x .Config.Env}}", "join: its result would have")]
    [InlineData("{{$x := .ID}}{{range 11}}{{$x = print $x $x}}{{end}}{{$y := split \"|\" $x}}{{range 100000}}{{$z := matchFirstElement \"q\" $y}}{{end}}", "steps")]
    [InlineData("{{range 100000}}{{$x := $.Config.Env}}{{end}}", "steps")]
    [InlineData("{{printf \"%1000000000d\" 1}}", "at most 1000")]
    [InlineData("{{printf \"%99999999999999999999d\" 1}}", "at most 1000")]
    [InlineData("{{printf \"%.*f\" 100000 1.5}}", "at most 1000")]
    [InlineData("{{matchFirstElement \"((a{1000}){1000}){1000}\" .Args}}", "regular expression")]
    [InlineData("{{range 100}}{{printf \"%1000s\" \"a\"}}{{end}}", "writes more than 65536")]
    public void Template_that_loops_or_grows_ends_with_an_error(string template, string said) => Assert.Contains(said, InspectSample.Error(template), StringComparison.Ordinal);

    [Fact]
    public void Long_regular_expression_is_refused() => Assert.Contains(
        "at most 1000", InspectSample.Error($"{{{{matchFirstElement \"{new string('a', TemplateLimits.Pattern + 1)}\" .Args}}}}"), StringComparison.Ordinal);

    /// <summary>A pattern that takes a backtracking engine longer than the universe is old.</summary>
    [Fact]
    public void Regular_expressions_do_not_backtrack() =>
        Assert.Equal("", InspectSample.Text("{{matchFirstElement \"^(a+)+$\" (split \",\" \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\")}}"));

    [Fact]
    public void Half_a_surrogate_pair_in_a_label_is_an_error_and_no_crash()
    {
        JsonElement inspect = JsonElement.Parse("""{"Config":{"Labels":{"a":"\ud800"}}}""");

        Assert.Contains("no Unicode", GoTemplate.Parse("{{.Config.Labels.a}}").Template!.Execute(inspect).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_text_ends_with_a_result_or_one_line()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        for (int run = 0; run < 3_000; run++)
        {
            string template = string.Concat(Enumerable.Range(0, random.Next(1, 30)).Select(_ => Pieces[random.Next(Pieces.Length)]));
            try
            {
                (string? text, string? error) = InspectSample.Run(template);
                Assert.True(text is null != error is null && error?.Contains('\n', StringComparison.Ordinal) != true, error);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, template {JsonSerializer.Serialize(template)}: {e}");
            }
        }
    }

    [Fact]
    public void HttpGet_is_refused_and_the_flag_is_named() =>
        Assert.Contains("may not ask addresses in this version", InspectSample.Error("{{httpGet \"http://127.0.0.1/\"}}"), StringComparison.Ordinal);

    [Fact]
    public async Task HttpGet_gives_bytes_that_jsonParse_reads_and_each_address_is_asked_once()
    {
        var asked = new List<string>();

        (string? text, string? error) = await ExecuteAsync(
            "{{range 3}}{{jsonParse (httpGet \"http://a/x?y=1\") \"country\"}};{{end}}{{printf \"%s\" (httpGet \"http://b/\")}}{{httpGet \"http://b/\" | slice | len}}",
            (address, _) =>
            {
                asked.Add(address.AbsoluteUri);
                return Task.FromResult<Stream>(new MemoryStream("""{"country":"AT"}"""u8.ToArray()));
            });

        Assert.Null(error);
        Assert.Equal("AT;AT;AT;{\"country\":\"AT\"}16", text);
        Assert.Equal(["http://a/x?y=1", "http://b/"], asked);
    }

    [Theory]
    [InlineData("{{httpGet \"file:///etc/passwd\"}}", "http:// or https:// is wanted")]
    [InlineData("{{httpGet .Name}}", "http:// or https:// is wanted")]
    [InlineData("{{range 9}}{{httpGet (printf \"http://a/%d\" .)}}{{end}}", "more than 4 addresses")]
    [InlineData("{{httpGet \"http://big/\"}}", "more than 65536 bytes")]
    [InlineData("{{httpGet \"http://user:secret@gone/x?token=secret\"}}", "http://gone/x: gone")]
    public async Task HttpGet_is_bounded_and_tells_no_secrets(string template, string said)
    {
        (string? text, string? error) = await ExecuteAsync(template, (address, _) => address.Host == "gone"
            ? throw new HttpRequestException("gone")
            : Task.FromResult<Stream>(new MemoryStream(new byte[address.Host == "big" ? TemplateLimits.HttpBody + 1 : TemplateLimits.HttpBody / 100])));

        Assert.Null(text);
        Assert.Contains(said, error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HttpGet_that_is_not_answered_ends_with_an_error()
    {
        var time = new ManualTimeProvider();
        var asked = new TaskCompletionSource();
        Task<(string? Text, string? Error)> run = GoTemplate.Parse("{{httpGet \"http://a/\"}}").Template!.ExecuteAsync(
            InspectSample.Container,
            async (_, stop) =>
            {
                asked.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, time, stop);
                return Stream.Null;
            },
            time,
            CancellationToken.None);
        await asked.Task;

        time.Advance(TemplateLimits.HttpTimeout);

        Assert.Contains("did not answer within 10 s", (await run).Error, StringComparison.Ordinal);
    }

    private static Task<(string? Text, string? Error)> ExecuteAsync(string template, HttpFetch fetch) =>
        GoTemplate.Parse(template).Template!.ExecuteAsync(InspectSample.Container, fetch, TimeProvider.System, CancellationToken.None);
}
