using Discovery.Sidecar.DropIn.Templates;

namespace Discovery.Sidecar.Tests.DropIn.Templates;

/// <summary>Expected texts are what Go 1.19's text/template writes for the same container.</summary>
public sealed class TemplateSyntaxTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("", "")]
    [InlineData("a}}b", "a}}b")]
    [InlineData("{{1}}}}", "1}}")]
    [InlineData("{{\"a}}b{{\"}}", "a}}b{{")]
    [InlineData("{{ .Name\n}}", "/web-1")]
    [InlineData("{{\nprint\n1\n2\n}}", "1 2")]
    public void Text_outside_of_braces_stays_as_it_is(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("a {{- 1 -}} b", "a1b")]
    [InlineData("a \n\t{{- 1 -}}\n\n b", "a1b")]
    [InlineData("a {{-1}} b", "a -1 b")]
    [InlineData("a {{- -1 -}} b", "a-1b")]
    [InlineData("a  {{/* comment */}}  b", "a    b")]
    [InlineData("a  {{- /* comment */ -}}  b", "ab")]
    [InlineData("{{/* a\nb */}}x", "x")]
    [InlineData("x {{- \"\" }}  {{ \"\" -}}   y", "x  y")]
    public void Trim_markers_take_white_space_and_comments_leave_nothing(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{ 1 }}{{ -3 }}{{ +4 }}", "1-34")]
    [InlineData("{{0x1F}} {{0b11}} {{0o17}} {{017}} {{1_000}}", "31 3 15 15 1000")]
    [InlineData("{{1.5}} {{.5}} {{1e3}} {{1.0}}", "1.5 0.5 1000 1")]
    [InlineData("{{1e21}} {{1048576.0}} {{999999.5}} {{0.0001}} {{0.00001}} {{-0.0}}", "1e+21 1.048576e+06 999999.5 0.0001 1e-05 -0")]
    [InlineData("{{9223372036854775807}} {{-9223372036854775808}}", "9223372036854775807 -9223372036854775808")]
    [InlineData("{{'a'}} {{'\\n'}} {{'é'}}", "97 10 233")]
    [InlineData("{{true}} {{false}}", "true false")]
    [InlineData("{{\"a\\\"b\\n\\t\\\\\\u00e9\\x41\\101\\U0001F600\"}}", "a\"b\n\t\\éAA😀")]
    [InlineData("{{`raw \\n \"x\"`}}", "raw \\n \"x\"")]
    public void Literals_mean_what_they_mean_in_Go(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{.ID}}", "4d1c7e0b9a85f3622e71c0d94b6a8f1357902bce4d6f8a0b1c2d3e4f5a6b7c8d")]
    [InlineData("{{.Name}}|{{.Config.Hostname}}|{{.NetworkSettings.IPAddress}}|{{.HostConfig.NetworkMode}}", "/web-1|4d1c7e0b9a85|172.17.0.2|bridge")]
    [InlineData("{{.Config.Labels.foo}}|{{.Config.Labels.empty}}", "bar|")]
    [InlineData("{{(.Config).Labels.foo}}{{(index .NetworkSettings.Networks \"back\").IPAddress}}", "bar10.0.0.2")]
    [InlineData("{{$}}{{/* the same */}}", null)]
    [InlineData("{{$.Name}}{{with .Config}}{{$.Name}}{{.Image}}{{end}}", "/web-1/web-1nginx:1.27")]
    [InlineData("{{.State.Pid}} {{.State.Running}} {{.HostConfig.Memory}} {{.HostConfig.CpuLoad}}", "4242 true 536870912 1.5")]
    [InlineData("{{.Config.Env}}", "[STAGE=test SERVICE_8081_NAME=foo DATA=/srv/web SERVICE_9090_NAME=bar]")]
    public void Fields_are_found_by_JSON_s_names_and_by_Go_s(string template, string? text)
    {
        string written = InspectSample.Text(template);

        Assert.Equal(text ?? written, written);
    }

    [Theory]
    [InlineData("{{.Config.Labels.missing}}", "<no value>")]
    [InlineData("{{.Config.Labels.missing.deeper}}", "<no value>")]
    [InlineData("{{.Config.Labels.FOO}}{{.Config.Labels.case}}{{.Config.Labels.Case}}", "<no value><no value>x")]
    [InlineData("{{print .Config.Labels.missing}}", "<nil>")]
    [InlineData("{{if .Config.Labels.missing}}a{{else}}b{{end}}", "b")]
    [InlineData("{{range .Config.Labels.missing}}x{{else}}none{{end}}", "none")]
    [InlineData("{{join \",\" .Config.Labels.missing}}", "")]
    [InlineData("{{or .Config.Labels.missing \"dflt\"}}", "dflt")]
    public void Labels_that_are_missing_are_no_value_and_their_case_counts(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{.State.Health.Status}}|{{.State.Health.FailingStreak}}|{{.Config.Domainname}}|{{.HostConfig.AutoRemove}}", "|0||false")]
    [InlineData("{{.Config.Cmd}}|{{len .Config.Cmd}}|{{join \",\" .Config.Cmd}}|{{range .Config.Cmd}}x{{else}}empty{{end}}|{{.HostConfig.Binds}}", "[]|0||empty|[]")]
    [InlineData("{{.HostConfig.Sysctls}}|{{index .HostConfig.Sysctls \"a\"}}|{{.HostConfig.Sysctls.a}}", "map[]||<no value>")]
    [InlineData("{{(index .NetworkSettings.Networks \"none\").IPAddress}}|{{.HostConfig.Unknown}}", "|<no value>")]
    public void Fields_that_Docker_leaves_out_or_sets_to_null_are_empty(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{$x := \"a\"}}{{if true}}{{$x = \"b\"}}{{$x}}{{end}}{{$x}}", "bb")]
    [InlineData("{{$x := \"a\"}}{{if true}}{{$x := \"b\"}}{{$x}}{{end}}{{$x}}", "ba")]
    [InlineData("{{$x := 1}}{{range $.Args}}{{$x = .}}{{end}}{{$x}}", "daemon off;")]
    [InlineData("{{ $x:=1 }}{{$x}}{{$y :=2}}{{ $y}}", "12")]
    [InlineData("{{$x := .Config}}{{$x.Image}}{{$x.Labels.foo}}", "nginx:1.27bar")]
    [InlineData("{{if $x := \"\"}}{{$x}}{{else}}[{{$x}}]{{end}}", "[]")]
    public void Variables_live_until_their_block_ends(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{print (print 1) (print 2)}}|{{print (or .Config.User \"root\")}}|{{(print 1 2)}}", "12|root|1 2")]
    [InlineData("{{.Config.Image | splitIndex 1 \":\" | printf \"version=%s\"}}", "version=1.27")]
    [InlineData("{{\"output\" | printf \"%s%s\" \"out\" | printf \"%q\"}}", "\"outoutput\"")]
    [InlineData("{{if eq 1 1 | not}}a{{else}}b{{end}}", "b")]
    [InlineData("{{printf \"%d\" (len .Args)}}{{$x := 1 | print \"a\"}}{{$x}}", "2a1")]
    public void Pipes_hand_their_value_on_as_the_last_argument(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{if .Config.User}}a{{else if .Name}}b{{else}}c{{end}}", "b")]
    [InlineData("{{if false}}a{{else if false}}b{{else}}c{{end}}d", "cd")]
    [InlineData("{{if 0.0}}a{{else}}b{{end}}{{if -1}}c{{end}}{{if \"\"}}{{else}}d{{end}}{{if .Config.Cmd}}{{else}}e{{end}}{{if .Config}}f{{end}}", "bcdef")]
    [InlineData("{{with .Config.User}}u{{else}}nouser{{end}}{{with $x := .Name}}{{$x}}{{.}}{{end}}", "nouser/web-1/web-1")]
    [InlineData("{{with .Config.User}}u{{else with .Name}}{{.}}{{end}}", "/web-1")]
    public void Conditions_take_empty_zero_and_nothing_for_false(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{range .Args}}[{{.}}]{{end}}", "[-g][daemon off;]")]
    [InlineData("{{range $i, $e := .Args}}{{$i}}={{$e}};{{end}}{{range $e := .Args}}{{$e}};{{end}}", "0=-g;1=daemon off;;-g;daemon off;;")]
    [InlineData("{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}} {{end}}", "back=10.0.0.2 bridge=172.17.0.2 ")]
    [InlineData("{{range $p, $b := .NetworkSettings.Ports}}{{$p}}:{{range $b}}{{.HostPort}}@{{.HostIP}}{{else}}-{{end}} {{end}}", "443/tcp:- 80/tcp:32768@0.0.0.0 ")]
    [InlineData("{{range $i, $e := .Config.Env}}{{if eq $i 2}}{{break}}{{end}}{{if eq $i 0}}{{continue}}{{end}}{{$e}}{{end}}", "SERVICE_8081_NAME=foo")]
    [InlineData("{{range .Args}}{{range $.Args}}{{break}}{{end}}x{{end}}", "xx")]
    [InlineData("{{$i := 0}}{{$e := \"\"}}{{range $i, $e = .Args}}{{end}}{{$i}}{{$e}}", "1daemon off;")]
    [InlineData("{{range $i, $p := split \",\" \"a,b\"}}{{if $i}};{{end}}{{$p}}{{end}}{{range 3}}{{.}}{{end}}", "a;b012")]
    public void Range_walks_lists_in_order_and_maps_by_key(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Fact]
    public void What_a_container_says_is_never_a_template() => Assert.Equal("{{.ID}}", InspectSample.Text("{{.Config.Labels.tpl}}"));

    [Theory]
    [InlineData("ab {{foo}}", 6, "\"foo\" is no function")]
    [InlineData("{{}}", 3, "a value or a function is wanted")]
    [InlineData("{{1 | 2}}", 7, "must be a function")]
    [InlineData("{{print \"a\"1}}", 12, "right behind a value")]
    [InlineData("{{true.x}}", 7, "no fields")]
    [InlineData("{{$x}}", 3, "$x is not declared")]
    [InlineData("{{if true}}{{$y := 1}}{{end}}{{$y}}", 32, "$y is not declared")]
    [InlineData("{{if true}}x", 3, "{{end}} is wanted")]
    [InlineData("{{if true}}a{{else}}b{{else}}c{{end}}", 3, "second {{else}}")]
    [InlineData("x{{end}}", 4, "outside of if")]
    [InlineData("{{break}}", 3, "outside of range")]
    [InlineData("{{range .Args}}{{else}}{{break}}{{end}}", 26, "outside of range")]
    [InlineData("{{(1}}", 5, "\")\" is wanted")]
    [InlineData("{{1)}}", 4, "\"}}\" is wanted")]
    [InlineData("{{1(2)}}", 4, "right behind a value")]
    [InlineData("x{{.Name", 2, "not closed")]
    [InlineData("{{\"a}}", 3, "its end is wanted")]
    [InlineData("{{\"a\nb\"}}", 3, "same line")]
    [InlineData("{{`a}}", 3, "its end is wanted")]
    [InlineData("{{'ab'}}", 3, "exactly one character")]
    [InlineData("{{\"\\z\"}}", 4, "\\z")]
    [InlineData("{{/* x }}", 1, "*/")]
    [InlineData("a {{/* x */ }} b", 12, "a comment stands alone")]
    [InlineData("{{1x}}", 3, "no number")]
    [InlineData("{{9223372036854775808}}", 3, "64 bits")]
    [InlineData("{{&}}", 3, "\"&\"")]
    [InlineData("{{nil}}", 3, "nil alone")]
    [InlineData("{{print if}}", 9, "keyword if")]
    [InlineData("{{define \"a\"}}x{{end}}", 3, "not supported")]
    [InlineData("{{template \"a\"}}", 3, "not supported")]
    public void Mistakes_are_named_with_their_place(string template, int character, string said)
    {
        (GoTemplate? parsed, string? error) = GoTemplate.Parse(template);

        Assert.Null(parsed);
        Assert.StartsWith($"character {character}: ", error, StringComparison.Ordinal);
        Assert.Contains(said, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{.Confg.Image}}", 3, "no field \".Confg\"")]
    [InlineData("{{.Name.first}}", 3, "\".first\" of a text")]
    [InlineData("a{{.Name 1}}", 4, "takes no arguments")]
    [InlineData("{{1 | .Name}}", 7, "takes no arguments")]
    [InlineData("{{range 1.5}}x{{end}}", 9, "range over a fraction")]
    [InlineData("{{range \"abc\"}}x{{end}}", 9, "range over a text")]
    [InlineData("{{not}}", 3, "0 arguments; 1 are wanted")]
    [InlineData("{{.Config.Labels.missing | toLower}}", 28, "argument 1 is no value; a text is wanted")]
    public void What_fails_while_running_is_named_with_its_place(string template, int character, string said)
    {
        string error = InspectSample.Error(template);

        Assert.StartsWith($"character {character}: ", error, StringComparison.Ordinal);
        Assert.Contains(said, error, StringComparison.Ordinal);
    }
}
