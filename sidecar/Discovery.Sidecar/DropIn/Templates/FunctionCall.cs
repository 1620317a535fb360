using System.Text;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>A function's arguments, read as what the function wants. As in Go nothing is converted.</summary>
/// <param name="function">The function that is called.</param>
/// <param name="arguments">Its arguments, as many as it takes.</param>
/// <param name="answers">What <c>httpGet</c> may know.</param>
internal sealed class FunctionCall(TemplateFunction function, IReadOnlyList<TemplateValue> arguments, HttpAnswers answers)
{
    /// <summary>The arguments as they are.</summary>
    public IReadOnlyList<TemplateValue> Arguments => arguments;

    /// <summary>What <c>httpGet</c> may know.</summary>
    public HttpAnswers Answers => answers;

    /// <summary>How many arguments there are.</summary>
    public int Count => arguments.Count;

    /// <summary>An argument as it is.</summary>
    public TemplateValue this[int index] => arguments[index];

    /// <summary>An argument that must be a text.</summary>
    public string Text(int index) => this[index].Kind switch
    {
        ValueKind.Text => this[index].Text,
        ValueKind.Bytes => Encoding.UTF8.GetString(this[index].Bytes),
        _ => throw Wrong(index, "a text"),
    };

    /// <summary>An argument that must be a whole number.</summary>
    public long Integer(int index) => this[index].Kind switch
    {
        ValueKind.Integer => this[index].Integer,
        ValueKind.Float when this[index].Float is var number && Math.Floor(number) == number && Math.Abs(number) < long.MaxValue => (long)number,
        _ => throw Wrong(index, "a whole number"),
    };

    /// <summary>An argument that must be a list of texts; nothing is an empty one.</summary>
    public string[] Texts(int index) => this[index] switch
    {
        { Kind: ValueKind.Nil or ValueKind.Missing } => [],
        { Kind: ValueKind.List } list when list.Items.All(static item => item.Kind == ValueKind.Text) => [.. list.Items.Select(static item => item.Text)],
        _ => throw Wrong(index, "a list of texts"),
    };

    /// <summary>An argument that is not what the function wants.</summary>
    public TemplateException Wrong(int index, string wanted) =>
        new($"{function.Name}: argument {index + 1} is {this[index].Shown}; {wanted} is wanted");

    /// <summary>Any other reason why the call fails.</summary>
    public TemplateException Fail(string problem) => new($"{function.Name}: {problem}");

    /// <summary>Stops a value that would be longer than <see cref="TemplateLimits.Value"/> before it is made.</summary>
    public void Fits(long length)
    {
        if (length > TemplateLimits.Value)
        {
            throw Fail($"its result would have {length} characters; at most {TemplateLimits.Value} are allowed");
        }
    }
}
