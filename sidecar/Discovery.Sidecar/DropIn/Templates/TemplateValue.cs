using System.Text.Json;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>Kinds of <see cref="TemplateValue"/>.</summary>
internal enum ValueKind
{
    /// <summary>What a map does not hold; Go's invalid value, written as <c>&lt;no value&gt;</c>.</summary>
    Missing,

    /// <summary><c>nil</c>, or JSON's null where nothing else is known of the field.</summary>
    Nil,

    /// <summary>True or false.</summary>
    Bool,

    /// <summary>A whole number of 64 bits.</summary>
    Integer,

    /// <summary>Any other number.</summary>
    Float,

    /// <summary>A text.</summary>
    Text,

    /// <summary>What <c>httpGet</c> answers, Go's <c>[]byte</c>.</summary>
    Bytes,

    /// <summary>A list.</summary>
    List,

    /// <summary>A JSON object.</summary>
    Map,
}

/// <summary>A value in a running template. Immutable.</summary>
internal readonly struct TemplateValue
{
    private readonly object? _reference;
    private readonly long _bits;

    private TemplateValue(ValueKind kind, object? reference, long bits = 0) => (Kind, _reference, _bits) = (kind, reference, bits);

    /// <summary>Nothing was found.</summary>
    public static TemplateValue Missing => default;

    /// <summary><c>nil</c>.</summary>
    public static TemplateValue Nil => new(ValueKind.Nil, null);

    /// <summary>What it is.</summary>
    public ValueKind Kind { get; }

    /// <summary>Whether it is true; only of <see cref="ValueKind.Bool"/>.</summary>
    public bool Bool => _bits != 0;

    /// <summary>The whole number; only of <see cref="ValueKind.Integer"/>.</summary>
    public long Integer => _bits;

    /// <summary>The number; only of <see cref="ValueKind.Float"/>.</summary>
    public double Float => BitConverter.Int64BitsToDouble(_bits);

    /// <summary>The text; empty for other kinds.</summary>
    public string Text => _reference as string ?? "";

    /// <summary>The bytes; empty for other kinds.</summary>
    public byte[] Bytes => _reference as byte[] ?? [];

    /// <summary>The elements; empty for other kinds.</summary>
    public IReadOnlyList<TemplateValue> Items => _reference as IReadOnlyList<TemplateValue> ?? [];

    /// <summary>The object; only of <see cref="ValueKind.Map"/>.</summary>
    public InspectMap Map => (InspectMap)_reference!;

    /// <summary>Go's truth: neither empty nor zero nor nothing.</summary>
    public bool IsTrue => Kind switch
    {
        ValueKind.Bool or ValueKind.Integer => _bits != 0,
        ValueKind.Float => Float != 0,
        ValueKind.Text => Text.Length > 0,
        ValueKind.Bytes => Bytes.Length > 0,
        ValueKind.List => Items.Count > 0,
        ValueKind.Map => Map.Count > 0,
        _ => false,
    };

    /// <summary>Its kind as errors name it.</summary>
    public string Shown => Kind switch
    {
        ValueKind.Missing => "no value",
        ValueKind.Nil => "nil",
        ValueKind.Bool => "a truth value",
        ValueKind.Integer => "a whole number",
        ValueKind.Float => "a fraction",
        ValueKind.Text => "a text",
        ValueKind.Bytes => "bytes",
        ValueKind.List => "a list",
        _ => "a map",
    };

    /// <summary>How many of <see cref="TemplateLimits.Steps"/> it is worth to read it once; the values of maps are read one by one.</summary>
    public int Cost => Kind switch
    {
        ValueKind.Text => Text.Length / TemplateLimits.CharactersPerStep,
        ValueKind.Bytes => Bytes.Length / TemplateLimits.CharactersPerStep,
        ValueKind.List => Items.Count + Items.Sum(static item => item.Kind == ValueKind.Map ? 0 : item.Cost),
        ValueKind.Map => Map.Count,
        _ => 0,
    };

    /// <summary>A text.</summary>
    public static TemplateValue Of(string text) => new(ValueKind.Text, text);

    /// <summary>A truth.</summary>
    public static TemplateValue Of(bool value) => new(ValueKind.Bool, null, value ? 1 : 0);

    /// <summary>A whole number.</summary>
    public static TemplateValue Of(long number) => new(ValueKind.Integer, null, number);

    /// <summary>A number.</summary>
    public static TemplateValue Of(double number) => new(ValueKind.Float, null, BitConverter.DoubleToInt64Bits(number));

    /// <summary>Bytes.</summary>
    public static TemplateValue Of(byte[] bytes) => new(ValueKind.Bytes, bytes);

    /// <summary>A list.</summary>
    public static TemplateValue Of(IReadOnlyList<TemplateValue> items) => new(ValueKind.List, items);

    /// <summary>A list of texts.</summary>
    public static TemplateValue Of(IEnumerable<string> texts) => Of([.. texts.Select(Of)]);

    /// <summary>A value of the inspect object.</summary>
    /// <param name="element">The value.</param>
    /// <param name="field">The field that holds it, which says what null stands for and whether an object's keys are data; null for others.</param>
    public static TemplateValue Of(JsonElement element, string? field) => element.ValueKind switch
    {
        JsonValueKind.String => Of(element.GetString() ?? ""),
        JsonValueKind.True or JsonValueKind.False => Of(element.GetBoolean()),
        JsonValueKind.Number => element.TryGetInt64(out long number) ? Of(number) : Of(element.GetDouble()),
        JsonValueKind.Array => Of([.. element.EnumerateArray().Select(static item => Of(item, null))]),
        JsonValueKind.Object => new(ValueKind.Map, new InspectMap(element, field)),
        _ => InspectShape.Zero(field) ?? Nil,
    };
}
