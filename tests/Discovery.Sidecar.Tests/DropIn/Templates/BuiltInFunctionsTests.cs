namespace Discovery.Sidecar.Tests.DropIn.Templates;

/// <summary>Expected texts are what Go 1.19's text/template writes for the same container.</summary>
public sealed class BuiltInFunctionsTests
{
    [Theory]
    [InlineData("{{and 1 0 2}}|{{and 1 2}}|{{or 0 \"\" \"x\"}}|{{or 0 \"\"}}|{{not 0}}|{{not 1}}", "0|2|x||true|false")]
    [InlineData("{{and \"\" (index .Args 99)}}|{{or 1 (index .Args 99)}}", "|1")]
    [InlineData("{{1 | and 2}}|{{0 | or 0}}|{{\"x\" | and \"\"}}|{{or nil | print}}", "1|0||<nil>")]
    public void And_and_or_give_the_argument_that_decides_and_look_no_further(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{eq 1 1}} {{eq 1 2 3 1}} {{eq \"a\" \"b\"}} {{eq 1.5 1.5}} {{eq true true}} {{ne 1 2}}", "true true false true true true")]
    [InlineData("{{lt 1 2}} {{le 2 2}} {{gt \"b\" \"a\"}} {{ge 1.5 2.5}} {{lt \"Z\" \"a\"}}", "true true true false true")]
    [InlineData("{{eq .RestartCount 3}} {{eq .State.Running true}} {{lt .State.Pid 5000}}", "true true true")]
    [InlineData("{{eq nil nil}} {{eq 1 nil}} {{eq .Config.Labels.missing nil}} {{eq .Config.Labels.missing \"x\"}} {{eq \"x\" .Config.Labels.missing \"x\"}}", "true false true false true")]
    [InlineData("{{eq 1 1 \"a\"}}", "true")]
    public void Values_of_one_kind_are_compared(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{eq 1 1.5}}", "a whole number is compared with a fraction")]
    [InlineData("{{eq 1 \"1\"}}", "both must be of one kind")]
    [InlineData("{{eq 1}}", "eq is given 1 arguments; at least 2 are wanted")]
    [InlineData("{{eq .Args .Args}}", "argument 1 is a list")]
    [InlineData("{{lt true false}}", "a number or text is wanted")]
    [InlineData("{{lt nil 1}}", "argument 1 is nil")]
    public void Values_of_different_kinds_are_not_compared(string template, string said) => Assert.Contains(said, InspectSample.Error(template), StringComparison.Ordinal);

    [Theory]
    [InlineData("{{len .Config.Env}} {{len .Config.Labels}} {{len \"é\"}} {{len .ID}}", "4 6 2 64")]
    [InlineData("{{index .Args 0}}|{{index .Args 1}}|{{len (index .Args)}}|{{index \"abc\" 1}}", "-g|daemon off;|2|98")]
    [InlineData("{{index .Config.Labels \"foo\"}}|{{index .Config.Labels \"missing\"}}|{{index .NetworkSettings.Networks \"back\" \"IPAddress\"}}", "bar||10.0.0.2")]
    [InlineData("{{with index .NetworkSettings.Ports \"80/tcp\"}}{{(index . 0).HostPort}}{{end}}{{len (index .NetworkSettings.Ports \"81/tcp\")}}", "327680")]
    [InlineData("{{slice \"abcdef\" 1 3}}|{{slice \"abc\"}}|{{slice \"abc\" 1}}|{{slice .Args 1}}|{{slice .Args 0 1}}|{{slice .Args 0 1 2}}|{{slice \"abc\" 3}}", "bc|abc|bc|[daemon off;]|[-g]|[-g]|")]
    public void Len_index_and_slice_count_from_zero_and_texts_in_bytes(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("{{index .Args 2}}", "index 2 is out of range; there are 2 elements")]
    [InlineData("{{index .Args -1}}", "out of range")]
    [InlineData("{{index .Args \"a\"}}", "a whole number is wanted")]
    [InlineData("{{index 3 1}}", "a list, map or text is wanted")]
    [InlineData("{{index nil 1}}", "would index nil")]
    [InlineData("{{index .Config.Labels 1}}", "a text is wanted")]
    [InlineData("{{index .Config \"Nope\"}}", "no such field")]
    [InlineData("{{slice \"abc\" 4}}", "out of range")]
    [InlineData("{{slice \"abc\" 2 1}}", "indices must not fall")]
    [InlineData("{{slice \"abc\" 0 1 2}}", "third index")]
    [InlineData("{{slice 3 1}}", "a text or list is wanted")]
    [InlineData("{{len 3}}", "a text, list or map is wanted")]
    public void What_is_out_of_range_or_of_another_kind_is_an_error(string template, string said) => Assert.Contains(said, InspectSample.Error(template), StringComparison.Ordinal);

    [Theory]
    [InlineData("{{print 1 2 \"a\" \"b\" 3 4 nil true}}|{{print \"a\" 1}}|{{print}}", "1 2ab3 4 <nil> true|a1|")]
    [InlineData("{{println 1 \"a\"}}|", "1 a\n|")]
    [InlineData("{{print 1.5 2}}{{print .Args 1}}", "1.5 2[-g daemon off;] 1")]
    public void Print_parts_values_that_are_no_texts(string template, string text) => Assert.Equal(text, InspectSample.Text(template));

    [Theory]
    [InlineData("%s %d %v %q %x %X %t %%", "\"a\" 5 .Args \"q\\\"t\" \"hex\" 255 true", "a 5 [-g daemon off;] \"q\\\"t\" 686578 FF true %")]
    [InlineData("%5s|%-5s|%05d|%+d|%5d|%-5d|% d|%x|%#x|%o|%b|%c|%U", "\"ab\" \"ab\" 42 42 42 42 42 255 255 8 5 65 9731", "   ab|ab   |00042|+42|   42|42   | 42|ff|0xff|10|101|A|U+2603")]
    [InlineData("%5.1f|%f|%.2f|%e|%g|%v", "3.14159 1.5 2.345 12345.678 0.00001 1e20", "  3.1|1.500000|2.35|1.234568e+04|1e-05|1e+20")]
    [InlineData("%*d|%-*d|%.2s|%.1q|%5t|% x|%#x", "5 42 5 42 \"héllo\" \"abc\" true \"abc\" \"abc\"", "   42|42   |hé|\"a\"| true|61 62 63|0x616263")]
    [InlineData("%q %q %+q %#q", "\"a\\tb\\x00é\\u200b\" 65 \"é\" \"raw\"", "\"a\\tb\\x00é\\u200b\" 'A' \"\\u00e9\" `raw`")]
    [InlineData("%08.3f|%+.1f|%6d|%06d|%x|%.3d|%8.3d", "3.14159 2.0 -42 -42 -255 5 5", "0003.142|+2.0|   -42|-00042|-ff|005|     005")]
    [InlineData("%s|%q|%d", ".Args .Args .Args", "[-g daemon off;]|[\"-g\" \"daemon off;\"]|[%!d(string=-g) %!d(string=daemon off;)]")]
    [InlineData("%d %s %t %z %d", "\"a\" 5 1 1 1.5", "%!d(string=a) %!s(int=5) %!t(int=1) %!z(int=1) %!d(float64=1.5)")]
    [InlineData("%s %v %d", "nil nil nil", "%!s(<nil>) <nil> %!d(<nil>)")]
    [InlineData("%d", "", "%!d(MISSING)")]
    [InlineData("a", "1 \"b\"", "a%!(EXTRA int=1, string=b)")]
    [InlineData("%", "", "%!(NOVERB)")]
    public void Printf_writes_as_Go_does_and_shows_what_does_not_fit(string format, string arguments, string text) =>
        Assert.Equal(text, InspectSample.Text($"{{{{printf \"{format}\" {arguments}}}}}"));

    [Theory]
    [InlineData("{{html .Config.Labels.html}}", "&lt;a href=&#34;x&#34;&gt;&#39;&amp;é=\u0001\\&lt;/a&gt;")]
    [InlineData("{{js .Config.Labels.html}}", "\\u003Ca href\\u003D\\\"x\\\"\\u003E\\'\\u0026é\\u003D\\u0001\\\\\\u003C/a\\u003E")]
    [InlineData("{{urlquery .Config.Labels.html}}", "%3Ca+href%3D%22x%22%3E%27%26%C3%A9%3D%01%5C%3C%2Fa%3E")]
    [InlineData("{{html \"a\" 1 2}}|{{urlquery \"a b\" \"c&d\"}}|{{html .Args}}|{{urlquery \"~-_.!*'()\"}}", "a1 2|a+bc%26d|[-g daemon off;]|~-_.%21%2A%27%28%29")]
    [InlineData("{{html nil}}|{{html .Config.Labels.missing}}", "&lt;no value&gt;|&lt;no value&gt;")]
    public void Html_js_and_urlquery_escape(string template, string text) => Assert.Equal(text, InspectSample.Text(template));
}
