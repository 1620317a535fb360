namespace Discovery.Sidecar.Tests.DropIn.Templates;

/// <summary>Order of arguments and edges as in registrator's bridge/bridge.go.</summary>
public sealed class RegistratorFunctionsTests
{
    /// <summary>Command lines of the kind that registrator's users have.</summary>
    [Theory]
    [InlineData("task_id={{ mIndex \"com.example.task-id\" .Config.Labels | splitIndex -1 \"/\" }}", "task_id=368f-0ee4")]
    [InlineData("{{ join \",\" .Config.Env | toLower }}", "stage=test,service_8081_name=foo,data=/srv/web,service_9090_name=bar")]
    [InlineData("{{ matchAllElements \"^SERVICE_\" .Config.Env | join \",\" | toLower }}", "service_8081_name=foo,service_9090_name=bar")]
    [InlineData("{{ strSlice .ID 0 12 }},{{.Config.Hostname}}", "4d1c7e0b9a85,4d1c7e0b9a85")]
    [InlineData("{{index .Config.Env 0 | split \"=\" | sIndex 1}}", "test")]
    public void Command_lines_of_users_work(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{strSlice \"abcdef\" 2}}|{{strSlice \"abcdef\" 0 2}}|{{strSlice \"abcdef\" 2 4}}|{{strSlice \"abcdef\"}}|{{strSlice \"abc\" 3}}|{{strSlice \"abc\" 0 0}}", "cdef|ab|cd|abcdef||")]
    [InlineData("{{strSlice \"abcdef\" 4 2}}|{{strSlice \"abc\" 9}}|{{strSlice \"abc\" 1 9}}|{{strSlice \"abcdef\" 1 2 3}}", "ef|abc|abc|abcdef")]
    [InlineData("{{strSlice \"héllo\" 3}}", "llo")]
    public void StrSlice_cuts_bytes_and_leaves_texts_that_are_too_short(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{sIndex 0 .Args}}|{{sIndex 9 .Args}}|{{sIndex -1 .Args}}|{{sIndex -2 .Args}}|{{sIndex -9 .Args}}", "-g|daemon off;|daemon off;|-g|-g")]
    [InlineData("{{splitIndex 1 \",\" \"a,b,c\"}}{{splitIndex 9 \",\" \"a,b,c\"}}{{splitIndex -1 \",\" \"a,b,c\"}}{{splitIndex -3 \",\" \"a,b,c\"}}{{splitIndex -9 \",\" \"a,b,c\"}}", "bccaa")]
    public void Indices_count_from_both_ends_and_stop_there(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{mIndex \"foo\" .Config.Labels}}|{{mIndex \"missing\" .Config.Labels}}|{{mIndex \"a\" .HostConfig.Sysctls}}", "bar||")]
    [InlineData("{{toUpper \"foo é\"}} {{toLower \"FoO É\"}}", "FOO É foo é")]
    [InlineData("{{replace -1 \"=\" \"\" \"=foo=\"}}|{{replace 1 \"=\" \"\" \"=foo=\"}}|{{replace 0 \"=\" \"\" \"=foo=\"}}", "foo|foo=|=foo=")]
    [InlineData("{{replace -1 \"\" \"-\" \"abc\"}}|{{replace 2 \"\" \"-\" \"abc\"}}|{{replace -1 \"\" \"-\" \"\"}}", "-a-b-c-|-a-bc|-")]
    [InlineData("{{split \",\" \"a,b,,c\"}}|{{split \"\" \"héy\"}}|{{len (split \",\" \"\")}}|{{len (split \"\" \"\")}}", "[a b  c]|[h é y]|1|0")]
    [InlineData("{{join \",\" .Config.Cmd}}|{{join \"\" .Args}}", "|-gdaemon off;")]
    public void Texts_and_maps_are_taken_as_Go_takes_them(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{matchFirstElement \"^SERVICE_\" .Config.Env}}|{{matchFirstElement \"^NONE\" .Config.Env}}", "SERVICE_8081_NAME=foo|")]
    [InlineData("{{matchAllElements \"=foo$\" .Config.Env}}{{matchAllElements \"(?i)^data\" .Config.Env}}", "[SERVICE_8081_NAME=foo][DATA=/srv/web]")]
    [InlineData("{{matchAllElements \"[[:digit:]]+_NAME\" .Config.Env}}", "[SERVICE_8081_NAME=foo SERVICE_9090_NAME=bar]")]
    [InlineData("{{len (matchAllElements \"a$\" (split \"|\" \"a\\n|a|ba\"))}}{{matchAllElements \"\\\\d\" (split \",\" \"1,٣,a\")}}", "2[1]")]
    [InlineData("{{matchAllElements \"[]a]\" (split \",\" \"],b,a\")}}{{matchAllElements \"[^]a]\" (split \",\" \"],b,a\")}}{{matchAllElements \"\\\\Qa.b\\\\E\" (split \",\" \"a.b,axb\")}}", "[] a][b][a.b]")]
    [InlineData("{{matchAllElements \"[a-c-[b]]\" (split \",\" \"a],b],-]\")}}{{matchAllElements \"[\\\\d_]x\" (split \",\" \"1x,_x,-x\")}}{{matchAllElements \"\\\\pL\" (split \",\" \"é,1\")}}", "[a] b] -]][1x _x][é]")]
    [InlineData("{{len (matchAllElements \"(?m)^b$\" (split \",\" \"a\\nb\\nc,d\"))}}{{len (matchAllElements \"(?P<x>o)\" .Config.Env)}}", "11")]
    public void Regular_expressions_are_Go_s(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{matchFirstElement \"(\" .Args}}", "regular expression")]
    [InlineData("{{matchFirstElement \"(?=a)\" .Args}}", "regular expression")]
    [InlineData("{{matchFirstElement \"(a)\\\\1\" .Args}}", "regular expression")]
    [InlineData("{{strSlice \"abc\" -1}}", "a negative one was given")]
    [InlineData("{{sIndex 0 .Config.Cmd}}", "the list is empty")]
    [InlineData("{{join \",\" \"a\"}}", "argument 2 is a text; a list of texts is wanted")]
    [InlineData("{{toUpper 1}}", "a text is wanted")]
    [InlineData("{{toUpper \"a\" \"b\"}}", "2 arguments; 1 are wanted")]
    [InlineData("{{mIndex \"a\" .Args}}", "a map of texts is wanted")]
    [InlineData("{{mIndex \"bridge\" .NetworkSettings.Networks}}", "a map of texts is wanted")]
    [InlineData("{{splitIndex 1.5 \",\" \"a,b\"}}", "a whole number is wanted")]
    public void What_Go_would_stop_at_is_an_error(string template, string said) => Assert.Contains(said, InspectSample.Error(template), StringComparison.Ordinal);

    [Theory]
    [InlineData("a::b", "[1, {\\\"c\\\": \\\"x\\\"}]")]
    [InlineData("a::b::[1]::c", "x")]
    [InlineData("t", "q\\\\\\\"e")]
    [InlineData("n", "1.50")]
    [InlineData("missing", "")]
    [InlineData("a::b::[9]", "")]
    [InlineData("a::b::[9999999999]", "")]
    [InlineData("n::x", "")]
    public void JsonParse_gives_what_stands_at_a_path_as_it_is_written(string path, string text)
    {
        const string Json = "{\"a\": {\"b\": [1, {\"c\": \"x\"}]}, \"t\": \"q\\\"e\", \"n\": 1.50}";

        Assert.Equal(text.Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal), InspectSample.Text($"{{{{jsonParse `{Json}` \"{path}\"}}}}"));
    }

    [Fact]
    public void JsonParse_of_what_is_no_JSON_is_empty() => Assert.Equal("", InspectSample.Text("{{jsonParse \"{\" \"a\"}}{{jsonParse \"\" \"\"}}"));
}
