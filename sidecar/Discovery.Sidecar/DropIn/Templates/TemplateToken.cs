namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>Kinds of <see cref="TemplateToken"/>.</summary>
internal enum TokenKind
{
    /// <summary>What stands outside of <c>{{ }}</c>, already trimmed.</summary>
    Text,

    /// <summary><c>{{</c></summary>
    Open,

    /// <summary><c>}}</c></summary>
    Close,

    /// <summary><c>|</c></summary>
    Pipe,

    /// <summary><c>,</c></summary>
    Comma,

    /// <summary><c>(</c></summary>
    LeftParenthesis,

    /// <summary><c>)</c></summary>
    RightParenthesis,

    /// <summary><c>:=</c></summary>
    Declare,

    /// <summary><c>=</c></summary>
    Assign,

    /// <summary>A lone <c>.</c></summary>
    Dot,

    /// <summary><c>.Name</c>; the token's text is the name.</summary>
    Field,

    /// <summary><c>$</c> or <c>$name</c>, with the dollar.</summary>
    Variable,

    /// <summary>A function's name, a keyword, <c>true</c>, <c>false</c> or <c>nil</c>.</summary>
    Word,

    /// <summary>A text in quotes or backquotes; the token's text is what it means.</summary>
    String,

    /// <summary>A number, as written.</summary>
    Number,

    /// <summary>A character in single quotes; the token's text is its code point in digits.</summary>
    Character,

    /// <summary>The template's end.</summary>
    End,
}

/// <summary>A piece of the template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text; see <see cref="TokenKind"/>.</param>
/// <param name="Position">Where it starts, from zero.</param>
/// <param name="AfterSpace">Whether white space stands before it; Go parts arguments by it.</param>
internal readonly record struct TemplateToken(TokenKind Kind, string Text, int Position, bool AfterSpace)
{
    /// <summary>The token as an error names it.</summary>
    public string Shown => Kind switch
    {
        TokenKind.End => "the template's end",
        TokenKind.Open => "\"{{\"",
        TokenKind.Close => "\"}}\"",
        TokenKind.Field => $"\".{Text}\"",
        TokenKind.String => "a text in quotes",
        TokenKind.Character => "a character in quotes",
        TokenKind.Text => "text",
        _ => $"\"{Text}\"",
    };
}
