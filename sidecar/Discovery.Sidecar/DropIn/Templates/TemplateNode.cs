using System.Collections.Immutable;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>A part of a parsed template.</summary>
/// <param name="Position">Where it starts in the template, from zero.</param>
internal abstract record TemplateNode(int Position);

/// <summary>Text that is written as it is.</summary>
internal sealed record TextNode(string Text, int Position) : TemplateNode(Position);

/// <summary><c>{{pipeline}}</c>: its value is written, unless it sets a variable.</summary>
internal sealed record ActionNode(Pipeline Pipeline) : TemplateNode(Pipeline.Position);

/// <summary><c>if</c>, or <c>with</c>, which also makes the pipeline's value the dot.</summary>
internal sealed record ConditionNode(bool IsWith, Pipeline Pipeline, ImmutableArray<TemplateNode> Then, ImmutableArray<TemplateNode> Else)
    : TemplateNode(Pipeline.Position);

/// <summary><c>range</c>: its body once for each element, else its other part.</summary>
internal sealed record RangeNode(Pipeline Pipeline, ImmutableArray<TemplateNode> Body, ImmutableArray<TemplateNode> Else) : TemplateNode(Pipeline.Position);

/// <summary><c>break</c> or <c>continue</c>.</summary>
internal sealed record JumpNode(bool IsBreak, int Position) : TemplateNode(Position);

/// <summary>Commands of which each gets the value of the one before as its last argument.</summary>
/// <param name="Variables">Variables that it sets, with their dollars; two only in <c>range</c>.</param>
/// <param name="Declares">Whether the variables begin here (<c>:=</c>) and not before (<c>=</c>).</param>
/// <param name="Commands">At least one.</param>
/// <param name="Position">Where it starts in the template, from zero.</param>
internal sealed record Pipeline(ImmutableArray<string> Variables, bool Declares, ImmutableArray<Command> Commands, int Position) : TemplateNode(Position);

/// <summary>A function or value with its arguments.</summary>
/// <param name="Operands">At least one; the first is the function, or alone.</param>
internal sealed record Command(ImmutableArray<TemplateNode> Operands) : TemplateNode(Operands[0].Position);

/// <summary>A text, number or truth as written, or <c>nil</c>.</summary>
internal sealed record LiteralNode(TemplateValue Value, int Position) : TemplateNode(Position);

/// <summary>The dot, with or without fields behind it.</summary>
internal sealed record DotNode(ImmutableArray<string> Fields, int Position) : TemplateNode(Position);

/// <summary>A variable, with or without fields behind it.</summary>
internal sealed record VariableNode(string Name, ImmutableArray<string> Fields, int Position) : TemplateNode(Position);

/// <summary>A function's name.</summary>
internal sealed record FunctionNode(TemplateFunction Function, int Position) : TemplateNode(Position);

/// <summary>A pipeline in parentheses, with or without fields behind it.</summary>
internal sealed record GroupNode(Pipeline Pipeline, ImmutableArray<string> Fields, int Position) : TemplateNode(Position);
