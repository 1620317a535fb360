using System.Text;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>The functions of Go's text/template but <c>call</c>: the inspect object holds no functions.</summary>
internal static class BuiltInFunctions
{
    private const int Any = int.MaxValue;

    /// <summary>All of them.</summary>
    public static IEnumerable<TemplateFunction> All =>
    [
        new("and", 1, Any, static call => call[^1]) { StopsAt = false },
        new("or", 1, Any, static call => call[^1]) { StopsAt = true },
        new("not", 1, 1, static call => TemplateValue.Of(!call[0].IsTrue)),
        new("len", 1, 1, Length),
        new("index", 1, Any, Index),
        new("slice", 1, 4, Slice),
        new("eq", 2, Any, Equal),
        new("ne", 2, 2, static call => TemplateValue.Of(!AreEqual(call, 1))),
        new("lt", 2, 2, static call => TemplateValue.Of(Compare(call) < 0)),
        new("le", 2, 2, static call => TemplateValue.Of(Compare(call) <= 0)),
        new("gt", 2, 2, static call => TemplateValue.Of(Compare(call) > 0)),
        new("ge", 2, 2, static call => TemplateValue.Of(Compare(call) >= 0)),
        new("print", 0, Any, static call => Made(call, GoText.Print(call.Arguments))),
        new("println", 0, Any, static call => Made(call, GoText.PrintLine(call.Arguments))),
        new("printf", 1, Any, static call => Made(call, new GoFormat(call.Text(0), [.. call.Arguments.Skip(1)]).Write())),
        new("html", 1, Any, static call => Made(call, GoText.Html(GoText.ToEscape(call.Arguments)))),
        new("js", 1, Any, static call => Made(call, GoText.Script(GoText.ToEscape(call.Arguments)))),
        new("urlquery", 1, Any, static call => Made(call, GoText.UrlQuery(GoText.ToEscape(call.Arguments)))),
    ];

    // Escapes and formats make texts at most a few times longer than what was paid for.
    private static TemplateValue Made(FunctionCall call, string text)
    {
        call.Fits(text.Length);
        return TemplateValue.Of(text);
    }

    // Texts are bytes in Go.
    private static TemplateValue Length(FunctionCall call) => TemplateValue.Of((long)(call[0].Kind switch
    {
        ValueKind.Text => Encoding.UTF8.GetByteCount(call[0].Text),
        ValueKind.Bytes => call[0].Bytes.Length,
        ValueKind.List => call[0].Items.Count,
        ValueKind.Map => call[0].Map.Count,
        _ => throw call.Wrong(0, "a text, list or map"),
    }));

    private static TemplateValue Index(FunctionCall call)
    {
        TemplateValue value = call[0];
        for (int i = 1; i < call.Count; i++)
        {
            value = value.Kind switch
            {
                ValueKind.Map => value.Map.Index(call.Text(i)) ?? throw call.Fail("it has no such field; fields are named as in docker inspect"),
                ValueKind.List => value.Items[At(call, i, value.Items.Count)],
                ValueKind.Text when Encoding.UTF8.GetBytes(value.Text) is var bytes => TemplateValue.Of((long)bytes[At(call, i, bytes.Length)]),
                ValueKind.Bytes => TemplateValue.Of((long)value.Bytes[At(call, i, value.Bytes.Length)]),
                _ => throw call.Fail($"argument {i + 1} would index {value.Shown}; a list, map or text is wanted"),
            };
        }

        return value;
    }

    private static int At(FunctionCall call, int argument, int count) => call.Integer(argument) is >= 0 and var at && at < count
        ? (int)at
        : throw call.Fail($"index {call.Integer(argument)} is out of range; there are {count} elements, counted from 0");

    private static TemplateValue Slice(FunctionCall call)
    {
        TemplateValue value = call[0];
        byte[] bytes = value.Kind == ValueKind.Text ? Encoding.UTF8.GetBytes(value.Text) : value.Bytes;
        int count = value.Kind switch
        {
            ValueKind.List => value.Items.Count,
            ValueKind.Bytes => bytes.Length,
            ValueKind.Text when call.Count < 4 => bytes.Length,
            ValueKind.Text => throw call.Fail("a text is sliced by a start and an end; a third index was given"),
            _ => throw call.Wrong(0, "a text or list"),
        };
        int[] bounds = [.. Enumerable.Range(1, call.Count - 1).Select(i => At(call, i, count + 1))];
        int start = bounds.Length > 0 ? bounds[0] : 0;
        int end = bounds.Length > 1 ? bounds[1] : count;
        if (start > end || (bounds.Length > 2 && end > bounds[2]))
        {
            throw call.Fail($"it would begin at {start} and end at {end}; indices must not fall");
        }

        return value.Kind switch
        {
            ValueKind.Text => TemplateValue.Of(Encoding.UTF8.GetString(bytes[start..end])),
            ValueKind.Bytes => TemplateValue.Of(bytes[start..end]),
            _ => TemplateValue.Of([.. value.Items.Skip(start).Take(end - start)]),
        };
    }

    // Looks no further than the first that is equal, so that what cannot be compared behind it is no error.
    private static TemplateValue Equal(FunctionCall call) =>
        TemplateValue.Of(Enumerable.Range(1, call.Count - 1).Any(i => AreEqual(call, i)));

    // Nothing equals nothing, and nothing else; lists and maps are not compared.
    private static bool AreEqual(FunctionCall call, int index)
    {
        (TemplateValue left, TemplateValue right) = (call[0], call[index]);
        if (IsNothing(left) || IsNothing(right))
        {
            return IsNothing(left) && IsNothing(right);
        }

        return SameKind(call, index) switch
        {
            ValueKind.Bool => left.Bool == right.Bool,
            ValueKind.Integer => left.Integer == right.Integer,
            ValueKind.Float => left.Float == right.Float,
            _ => left.Text == right.Text,
        };
    }

    private static int Compare(FunctionCall call) => SameKind(call, 1) switch
    {
        ValueKind.Integer => call[0].Integer.CompareTo(call[1].Integer),
        ValueKind.Float => call[0].Float.CompareTo(call[1].Float),
        ValueKind.Text => string.CompareOrdinal(call[0].Text, call[1].Text),
        _ => throw call.Wrong(0, "a number or text"),
    };

    private static bool IsNothing(TemplateValue value) => value.Kind is ValueKind.Missing or ValueKind.Nil;

    private static ValueKind SameKind(FunctionCall call, int index)
    {
        foreach (int i in (ReadOnlySpan<int>)[0, index])
        {
            if (call[i].Kind is not (ValueKind.Bool or ValueKind.Integer or ValueKind.Float or ValueKind.Text))
            {
                throw call.Wrong(i, "a text, number or truth value");
            }
        }

        return call[0].Kind == call[index].Kind
            ? call[0].Kind
            : throw call.Fail($"{call[0].Shown} is compared with {call[index].Shown}; both must be of one kind");
    }
}
