using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>One run of a template over one container. Pure: it changes nothing but its own output.</summary>
/// <param name="inspect">The container.</param>
/// <param name="answers">What <c>httpGet</c> may know.</param>
internal sealed class TemplateExecution(JsonElement inspect, HttpAnswers answers)
{
    private readonly StringBuilder _output = new();
    private readonly List<(string Name, TemplateValue Value)> _variables = [];
    private int _steps;

    // What ends the rest of a loop's body.
    private enum Flow
    {
        Next,
        Continue,
        Break,
    }

    /// <summary>What the template writes.</summary>
    public string Run(ImmutableArray<TemplateNode> nodes)
    {
        TemplateValue dot = TemplateValue.Of(inspect, null);
        _variables.Add(("$", dot));
        Walk(nodes, dot);
        return _output.ToString();
    }

    private Flow Walk(ImmutableArray<TemplateNode> nodes, TemplateValue dot)
    {
        foreach (TemplateNode node in nodes)
        {
            Flow flow = Walk(node, dot);
            if (flow != Flow.Next)
            {
                return flow;
            }
        }

        return Flow.Next;
    }

    private Flow Walk(TemplateNode node, TemplateValue dot)
    {
        switch (node)
        {
            case TextNode text:
                Write(text.Text, text.Position);
                return Flow.Next;
            case ActionNode action:
                TemplateValue value = Evaluate(action.Pipeline, dot);
                if (action.Pipeline.Variables.IsEmpty)
                {
                    Charge(value.Cost, action.Position);
                    Write(GoText.Written(value), action.Position);
                }

                return Flow.Next;
            case JumpNode jump:
                return jump.IsBreak ? Flow.Break : Flow.Continue;
            case ConditionNode condition:
                return Condition(condition, dot);
            default:
                return Range((RangeNode)node, dot);
        }
    }

    private Flow Condition(ConditionNode node, TemplateValue dot)
    {
        int mark = _variables.Count;
        TemplateValue value = Evaluate(node.Pipeline, dot);
        Flow flow = value.IsTrue ? Walk(node.Then, node.IsWith ? value : dot) : Walk(node.Else, dot);
        Forget(mark);
        return flow;
    }

    private Flow Range(RangeNode node, TemplateValue dot)
    {
        int mark = _variables.Count;
        TemplateValue value = Evaluate(node.Pipeline, dot);
        Forget(mark);
        Charge(value.Cost, node.Position);
        bool isEmpty = true;
        foreach ((TemplateValue key, TemplateValue element) in Turns(value, node.Position))
        {
            isEmpty = false;
            Charge(1, node.Position);
            SetTargets(node.Pipeline, key, element);
            Flow flow = Walk(node.Body, element);
            Forget(mark);
            if (flow == Flow.Break)
            {
                break;
            }
        }

        return isEmpty ? Walk(node.Else, dot) : Flow.Next;
    }

    private static IEnumerable<(TemplateValue Key, TemplateValue Element)> Turns(TemplateValue value, int position) => value.Kind switch
    {
        ValueKind.List => value.Items.Select(static (item, index) => (TemplateValue.Of((long)index), item)),
        ValueKind.Map => value.Map.Entries.Select(static entry => (TemplateValue.Of(entry.Key), entry.Value)),
        ValueKind.Integer => Numbers(value.Integer),
        ValueKind.Missing or ValueKind.Nil => [],
        _ => throw new TemplateException($"range over {value.Shown}; a list or a map is wanted", position),
    };

    // Go has this since 1.22.
    private static IEnumerable<(TemplateValue Key, TemplateValue Element)> Numbers(long count)
    {
        for (long number = 0; number < count; number++)
        {
            yield return (TemplateValue.Of(number), TemplateValue.Of(number));
        }
    }

    private void SetTargets(Pipeline pipeline, TemplateValue key, TemplateValue element)
    {
        if (pipeline.Variables is [var first, var second])
        {
            Set(first, key, pipeline.Declares);
            Set(second, element, pipeline.Declares);
        }
        else if (pipeline.Variables is [var only])
        {
            Set(only, element, pipeline.Declares);
        }
    }

    private TemplateValue Evaluate(Pipeline pipeline, TemplateValue dot)
    {
        TemplateValue? value = null;
        foreach (Command command in pipeline.Commands)
        {
            value = Evaluate(command, dot, value);
        }

        // Those of range are set by its turns.
        if (pipeline.Variables is [var only])
        {
            Set(only, value!.Value, pipeline.Declares);
        }

        return value!.Value;
    }

    private TemplateValue Evaluate(Command command, TemplateValue dot, TemplateValue? last)
    {
        Charge(1, command.Position);
        TemplateNode first = command.Operands[0];
        if (first is FunctionNode function)
        {
            return Call(function, command.Operands.AsSpan()[1..], dot, last);
        }

        return command.Operands.Length == 1 && last is null
            ? Evaluate(first, dot)
            : throw new TemplateException("this is no function and takes no arguments", first.Position);
    }

    private TemplateValue Evaluate(TemplateNode operand, TemplateValue dot) => operand switch
    {
        LiteralNode literal => literal.Value,
        DotNode node => Fields(dot, node.Fields, node.Position),
        VariableNode node => Fields(_variables.FindLast(variable => variable.Name == node.Name).Value, node.Fields, node.Position),
        GroupNode node => Fields(Evaluate(node.Pipeline, dot), node.Fields, node.Position),
        FunctionNode node => Call(node, [], dot, null),
        _ => throw new TemplateException("a value is wanted", operand.Position),
    };

    private TemplateValue Fields(TemplateValue value, ImmutableArray<string> names, int position)
    {
        foreach (string name in names)
        {
            Charge(1 + (value.Kind == ValueKind.Map ? value.Cost / TemplateLimits.CharactersPerStep : 0), position);
            value = value.Kind switch
            {
                ValueKind.Map => value.Map.Field(name) ?? throw new TemplateException($"the inspect object has no field \".{name}\" there; fields are named as in docker inspect", position),
                ValueKind.Missing or ValueKind.Nil => TemplateValue.Missing,
                _ => throw new TemplateException($"\".{name}\" of {value.Shown}; a map is wanted", position),
            };
            Charge(value.Kind == ValueKind.Map ? 0 : value.Cost, position);
        }

        return value;
    }

    private TemplateValue Call(FunctionNode node, ReadOnlySpan<TemplateNode> operands, TemplateValue dot, TemplateValue? last)
    {
        TemplateFunction function = node.Function;
        int count = operands.Length + (last is null ? 0 : 1);
        if (count < function.Fewest || count > function.Most)
        {
            throw new TemplateException($"{function.Name} is given {count} arguments; {function.Wanted} are wanted", node.Position);
        }

        var arguments = new List<TemplateValue>(count);
        foreach (TemplateNode operand in operands)
        {
            arguments.Add(Evaluate(operand, dot));
            if (function.StopsAt is { } truth && arguments[^1].IsTrue == truth)
            {
                return arguments[^1];
            }
        }

        if (last is { } value)
        {
            arguments.Add(value);
        }

        Charge(1 + arguments.Sum(static argument => (long)argument.Cost), node.Position);
        try
        {
            TemplateValue result = function.Run(new(function, arguments, answers));
            Charge(result.Cost, node.Position);
            return result;
        }
        catch (TemplateException e) when (e.Position is null)
        {
            throw new TemplateException(e.Message, node.Position);
        }
    }

    private void Set(string name, TemplateValue value, bool declares)
    {
        int at = declares ? -1 : _variables.FindLastIndex(variable => variable.Name == name);
        if (at >= 0)
        {
            _variables[at] = (name, value);
        }
        else
        {
            _variables.Add((name, value));
        }
    }

    private void Forget(int mark) => _variables.RemoveRange(mark, _variables.Count - mark);

    private void Write(string text, int position)
    {
        if (_output.Length + text.Length > TemplateLimits.Output)
        {
            throw new TemplateException($"the template writes more than {TemplateLimits.Output} characters", position);
        }

        _output.Append(text);
    }

    private void Charge(long steps, int position)
    {
        _steps += (int)Math.Min(steps, TemplateLimits.Steps);
        if (_steps > TemplateLimits.Steps)
        {
            throw new TemplateException($"the template needs more than {TemplateLimits.Steps} steps", position);
        }
    }
}
