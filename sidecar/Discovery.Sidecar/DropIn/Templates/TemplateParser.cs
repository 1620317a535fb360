using System.Collections.Immutable;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>Makes the tree of a template; one pass over its tokens, descending as deep as <see cref="TemplateLimits.Nesting"/>.</summary>
internal sealed class TemplateParser
{
    private static readonly string[] Keywords = ["if", "with", "range", "else", "end", "break", "continue", "define", "template", "block"];

    private readonly IReadOnlyList<TemplateToken> _tokens;
    private readonly List<string> _variables = ["$"];
    private int _at;
    private int _depth;
    private int _loops;

    private TemplateParser(IReadOnlyList<TemplateToken> tokens) => _tokens = tokens;

    private TemplateToken Current => _tokens[_at];

    /// <summary>The nodes of a template.</summary>
    public static ImmutableArray<TemplateNode> Parse(string text)
    {
        var parser = new TemplateParser(TemplateLexer.Read(text));
        (ImmutableArray<TemplateNode> nodes, TemplateToken end) = parser.Nodes();
        return end.Kind == TokenKind.End
            ? nodes
            : throw new TemplateException($"found {{{{{end.Text}}}}} outside of if, with and range", end.Position);
    }

    // Up to "else" or "end", which is taken, or the template's end.
    private (ImmutableArray<TemplateNode> Nodes, TemplateToken End) Nodes()
    {
        ImmutableArray<TemplateNode>.Builder nodes = ImmutableArray.CreateBuilder<TemplateNode>();
        while (true)
        {
            TemplateToken token = Take();
            if (token.Kind == TokenKind.End)
            {
                return (nodes.ToImmutable(), token);
            }

            if (token.Kind == TokenKind.Text)
            {
                nodes.Add(new TextNode(token.Text, token.Position));
                continue;
            }

            if (Current is { Kind: TokenKind.Word, Text: "else" or "end" })
            {
                return (nodes.ToImmutable(), Take());
            }

            nodes.Add(Action());
        }
    }

    private TemplateNode Action()
    {
        TemplateToken token = Current;
        if (token.Kind != TokenKind.Word || !Keywords.Contains(token.Text))
        {
            return new ActionNode(Pipeline(TokenKind.Close));
        }

        _at++;
        switch (token.Text)
        {
            case "if":
            case "with":
            case "range":
                return Block(token);
            case "break":
            case "continue":
                Expect(TokenKind.Close, $"\"}}}}\" after {token.Text}");
                return _loops > 0 ? new JumpNode(token.Text == "break", token.Position) : throw new TemplateException($"found {{{{{token.Text}}}}} outside of range", token.Position);
            default:
                throw new TemplateException($"{{{{{token.Text}}}}} is not supported: tags are one template; write its text where it is needed", token.Position);
        }
    }

    // After "if", "with" or "range", up to the end that belongs to it.
    private TemplateNode Block(TemplateToken keyword)
    {
        Enter(keyword.Position);
        int variables = _variables.Count;
        bool isRange = keyword.Text == "range";
        Pipeline pipeline = Pipeline(TokenKind.Close, isRange);
        _loops += isRange ? 1 : 0;
        (ImmutableArray<TemplateNode> then, TemplateToken end) = Nodes();
        _loops -= isRange ? 1 : 0;
        ImmutableArray<TemplateNode> otherwise = [];
        if (end.Text == "else" && !isRange && Current is { Kind: TokenKind.Word, Text: "if" or "with" })
        {
            // "else if": the inner block takes the end that belongs to both.
            otherwise = [Block(Take())];
        }
        else
        {
            if (end.Text == "else")
            {
                Expect(TokenKind.Close, "\"}}\" after else");
                (otherwise, end) = Nodes();
            }

            if (end.Text != "end")
            {
                throw new TemplateException($"{{{{{keyword.Text}}}}} is not ended; {{{{end}}}} is wanted, found {(end.Kind == TokenKind.End ? end.Shown : "a second {{else}}")}", keyword.Position);
            }

            Expect(TokenKind.Close, "\"}}\" after end");
        }

        _variables.RemoveRange(variables, _variables.Count - variables);
        _depth--;
        return isRange ? new RangeNode(pipeline, then, otherwise) : new ConditionNode(keyword.Text == "with", pipeline, then, otherwise);
    }

    // Up to and with the token that ends it.
    private Pipeline Pipeline(TokenKind end, bool isRange = false)
    {
        int position = Current.Position;
        (ImmutableArray<string> names, bool declares) = Targets(isRange);
        ImmutableArray<Command>.Builder commands = ImmutableArray.CreateBuilder<Command>();
        do
        {
            Command command = Command();
            if (commands.Count > 0 && command.Operands[0] is LiteralNode or DotNode { Fields.Length: 0 })
            {
                throw new TemplateException("what follows \"|\" must be a function: it gets the value before it as its last argument", command.Position);
            }

            commands.Add(command);
        }
        while (TryTake(TokenKind.Pipe));

        Expect(end, end == TokenKind.Close ? "\"}}\"" : "\")\"");
        if (declares)
        {
            _variables.AddRange(names);
        }

        return new(names, declares, commands.ToImmutable(), position);
    }

    // "$x :=", "$x =" and, in range, "$i, $x :=".
    private (ImmutableArray<string> Names, bool Declares) Targets(bool isRange)
    {
        if (Current.Kind != TokenKind.Variable)
        {
            return ([], false);
        }

        bool isPair = isRange && _tokens[_at + 1].Kind == TokenKind.Comma && _tokens[_at + 2].Kind == TokenKind.Variable;
        TemplateToken sign = _tokens[_at + (isPair ? 3 : 1)];
        if (sign.Kind is not (TokenKind.Declare or TokenKind.Assign))
        {
            return ([], false);
        }

        TemplateToken[] targets = isPair ? [Current, _tokens[_at + 2]] : [Current];
        foreach (TemplateToken target in targets)
        {
            if (sign.Kind == TokenKind.Assign || target.Text == "$")
            {
                Known(target);
            }
        }

        _at += isPair ? 4 : 2;
        return ([.. targets.Select(static target => target.Text)], sign.Kind == TokenKind.Declare);
    }

    private Command Command()
    {
        ImmutableArray<TemplateNode>.Builder operands = ImmutableArray.CreateBuilder<TemplateNode>();
        while (Current.Kind is not (TokenKind.Close or TokenKind.RightParenthesis or TokenKind.Pipe))
        {
            if (operands.Count > 0 && !Current.AfterSpace)
            {
                throw new TemplateException($"found {Current.Shown} right behind a value; a space, \"|\" or the end is wanted", Current.Position);
            }

            operands.Add(Operand());
        }

        if (operands.Count == 0)
        {
            throw new TemplateException($"found {Current.Shown}; a value or a function is wanted", Current.Position);
        }

        return operands is [LiteralNode { Value.Kind: ValueKind.Nil }]
            ? throw new TemplateException("nil alone is no value; it is for comparing", operands[0].Position)
            : new(operands.ToImmutable());
    }

    private TemplateNode Operand()
    {
        TemplateToken token = Take();
        switch (token.Kind)
        {
            case TokenKind.Dot:
                return WithoutFields(new DotNode([], token.Position));
            case TokenKind.Field:
                return new DotNode([token.Text, .. Fields()], token.Position);
            case TokenKind.Variable:
                Known(token);
                return new VariableNode(token.Text, Fields(), token.Position);
            case TokenKind.LeftParenthesis:
                Enter(token.Position);
                Pipeline pipeline = Pipeline(TokenKind.RightParenthesis);
                _depth--;
                return new GroupNode(pipeline, Fields(), token.Position);
            case TokenKind.String:
                return WithoutFields(new LiteralNode(TemplateValue.Of(token.Text), token.Position));
            case TokenKind.Character:
                return WithoutFields(new LiteralNode(TemplateValue.Of(long.Parse(token.Text, System.Globalization.CultureInfo.InvariantCulture)), token.Position));
            case TokenKind.Number:
                return WithoutFields(new LiteralNode(GoNumber.Parse(token), token.Position));
            case TokenKind.Word:
                return Word(token);
            default:
                throw new TemplateException($"found {token.Shown}; a value or a function is wanted", token.Position);
        }
    }

    private TemplateNode Word(TemplateToken token) => token.Text switch
    {
        "true" or "false" => WithoutFields(new LiteralNode(TemplateValue.Of(token.Text == "true"), token.Position)),
        "nil" => WithoutFields(new LiteralNode(TemplateValue.Nil, token.Position)),
        _ when Keywords.Contains(token.Text) => throw new TemplateException($"found the keyword {token.Text}; a value or a function is wanted", token.Position),
        _ => TemplateFunctions.All.TryGetValue(token.Text, out TemplateFunction? function)
            ? new FunctionNode(function, token.Position)
            : throw new TemplateException($"\"{token.Text}\" is no function; the functions are {TemplateFunctions.Names}", token.Position),
    };

    private ImmutableArray<string> Fields()
    {
        ImmutableArray<string>.Builder fields = ImmutableArray.CreateBuilder<string>();
        while (Current is { Kind: TokenKind.Field, AfterSpace: false })
        {
            fields.Add(Take().Text);
        }

        return fields.ToImmutable();
    }

    private TemplateNode WithoutFields(TemplateNode node) => Current is { Kind: TokenKind.Field, AfterSpace: false }
        ? throw new TemplateException($"found {Current.Shown} right behind a value that has no fields", Current.Position)
        : node;

    private void Known(TemplateToken variable)
    {
        if (!_variables.Contains(variable.Text))
        {
            throw new TemplateException($"the variable {variable.Text} is not declared here; {{{{{variable.Text} := …}}}} declares it up to the end of its block", variable.Position);
        }
    }

    private void Enter(int position)
    {
        if (++_depth > TemplateLimits.Nesting)
        {
            throw new TemplateException($"nested deeper than {TemplateLimits.Nesting} blocks and parentheses", position);
        }
    }

    private TemplateToken Take() => _tokens[_at].Kind == TokenKind.End ? _tokens[_at] : _tokens[_at++];

    private bool TryTake(TokenKind kind)
    {
        bool isIt = Current.Kind == kind;
        _at += isIt ? 1 : 0;
        return isIt;
    }

    private void Expect(TokenKind kind, string wanted)
    {
        if (!TryTake(kind))
        {
            throw new TemplateException($"found {Current.Shown}; {wanted} is wanted", Current.Position);
        }
    }
}
