using System.Globalization;
using System.Text;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>Cuts a template into tokens: texts with their trim markers applied, and what stands between <c>{{</c> and <c>}}</c>.</summary>
internal sealed class TemplateLexer
{
    private const string Open = "{{";
    private const string Close = "}}";
    private static readonly char[] Spaces = [' ', '\t', '\r', '\n'];

    private readonly string _text;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private bool _trimNext;

    private TemplateLexer(string text) => _text = text;

    /// <summary>All tokens of a template; the last is <see cref="TokenKind.End"/>.</summary>
    public static IReadOnlyList<TemplateToken> Read(string text)
    {
        var lexer = new TemplateLexer(text);
        while (lexer._at < text.Length)
        {
            lexer.ReadText();
        }

        lexer.Add(TokenKind.End, "", text.Length);
        return lexer._tokens;
    }

    private void ReadText()
    {
        int start = _at;
        int open = _text.IndexOf(Open, start, StringComparison.Ordinal);
        int end = open < 0 ? _text.Length : open;
        bool trims = open >= 0 && open + 3 < _text.Length && _text[open + 2] == '-' && Spaces.Contains(_text[open + 3]);
        string text = _text[start..end];
        text = _trimNext ? text.TrimStart(Spaces) : text;
        text = trims ? text.TrimEnd(Spaces) : text;
        if (text.Length > 0)
        {
            Add(TokenKind.Text, text, start);
        }

        _trimNext = false;
        _at = open < 0 ? end : end + Open.Length + (trims ? 2 : 0);
        if (open < 0)
        {
            return;
        }

        if (Has("/*"))
        {
            SkipComment(open);
        }
        else
        {
            Add(TokenKind.Open, Open, open);
            ReadAction(open, trims);
        }
    }

    private void SkipComment(int open)
    {
        int end = _text.IndexOf("*/", _at + 2, StringComparison.Ordinal);
        if (end < 0)
        {
            throw new TemplateException("a comment begins; its \"*/\" is wanted", open);
        }

        _at = end + 2;
        if (!TryClose(isComment: true))
        {
            throw new TemplateException($"found \"{Next()}\" after a comment; \"}}}}\" is wanted at once, a comment stands alone", _at);
        }
    }

    private void ReadAction(int open, bool afterSpace)
    {
        while (true)
        {
            if (TryClose(isComment: false))
            {
                return;
            }

            if (_at >= _text.Length)
            {
                throw new TemplateException("\"{{\" is not closed; \"}}\" is wanted", open);
            }

            if (Spaces.Contains(_text[_at]))
            {
                _at++;
                afterSpace = true;
                continue;
            }

            ReadToken(afterSpace);
            afterSpace = false;
        }
    }

    // "}}", or " -}}", which also trims the text that follows.
    private bool TryClose(bool isComment)
    {
        bool trims = _at + 1 < _text.Length && Spaces.Contains(_text[_at]) && _text.AsSpan(_at + 1).StartsWith("-" + Close, StringComparison.Ordinal);
        if (!trims && !Has(Close))
        {
            return false;
        }

        int at = _at;
        _at += Close.Length + (trims ? 2 : 0);
        _trimNext = trims;
        if (!isComment)
        {
            Add(TokenKind.Close, Close, at, trims);
        }

        return true;
    }

    private void ReadToken(bool afterSpace)
    {
        int start = _at;
        char c = _text[_at];
        (TokenKind Kind, string Text) token = c switch
        {
            '|' => (TokenKind.Pipe, Take(1)),
            ',' => (TokenKind.Comma, Take(1)),
            '(' => (TokenKind.LeftParenthesis, Take(1)),
            ')' => (TokenKind.RightParenthesis, Take(1)),
            '=' => (TokenKind.Assign, Take(1)),
            ':' when Has(":=") => (TokenKind.Declare, Take(2)),
            '"' => (TokenKind.String, Quoted('"')),
            '`' => (TokenKind.String, Raw()),
            '\'' => (TokenKind.Character, Character()),
            '$' => (TokenKind.Variable, Take(1 + WordLength(_at + 1))),
            '.' when _at + 1 < _text.Length && char.IsAsciiDigit(_text[_at + 1]) => (TokenKind.Number, Number()),
            '.' when WordLength(_at + 1) is > 0 and var length => (TokenKind.Field, Take(1 + length)[1..]),
            '.' => (TokenKind.Dot, Take(1)),
            '+' or '-' or (>= '0' and <= '9') => (TokenKind.Number, Number()),
            _ when WordLength(_at) is > 0 and var length => (TokenKind.Word, Take(length)),
            _ => throw new TemplateException($"found \"{Next()}\", which means nothing between \"{{{{\" and \"}}}}\"", start),
        };
        Add(token.Kind, token.Text, start, afterSpace);
    }

    // Everything that could belong to it; the parser says what is wrong with it.
    private string Number()
    {
        int end = _at + 1;
        while (end < _text.Length && (IsWord(_text[end]) || _text[end] == '.' || (_text[end] is '+' or '-' && IsExponent(end - 1))))
        {
            end++;
        }

        return Take(end - _at);
    }

    private bool IsExponent(int at) =>
        _text[at] is 'e' or 'E' && !_text.AsSpan(_at).TrimStart("+-").StartsWith("0x", StringComparison.OrdinalIgnoreCase);

    private string Raw()
    {
        int end = _text.IndexOf('`', _at + 1);
        return end < 0
            ? throw new TemplateException("a text in backquotes begins; its end is wanted", _at)
            : Take(end + 1 - _at)[1..^1].Replace("\r", "", StringComparison.Ordinal);
    }

    private string Character()
    {
        int start = _at;
        Rune[] runes = [.. Quoted('\'').EnumerateRunes()];
        return runes.Length == 1
            ? runes[0].Value.ToString(CultureInfo.InvariantCulture)
            : throw new TemplateException("single quotes hold exactly one character; texts stand in \"…\" or `…`", start);
    }

    private string Quoted(char quote)
    {
        int start = _at++;
        var bytes = new List<byte>();
        while (_at < _text.Length && _text[_at] != '\n')
        {
            if (_text[_at] == quote)
            {
                _at++;
                return Encoding.UTF8.GetString([.. bytes]);
            }

            if (_text[_at] == '\\')
            {
                bytes.AddRange(GoEscape.Read(_text, ref _at, quote));
            }
            else
            {
                int length = char.IsSurrogatePair(_text, _at) ? 2 : 1;
                bytes.AddRange(Encoding.UTF8.GetBytes(Take(length)));
            }
        }

        throw new TemplateException($"a text in {quote} begins; its end is wanted on the same line", start);
    }

    private int WordLength(int from)
    {
        int end = from;
        while (end < _text.Length && IsWord(_text[end]))
        {
            end++;
        }

        return end - from;
    }

    private static bool IsWord(char c) => c == '_' || char.IsLetterOrDigit(c);

    private bool Has(string token) => _text.AsSpan(_at).StartsWith(token, StringComparison.Ordinal);

    private string Next() => _at >= _text.Length ? "the end" : char.IsSurrogatePair(_text, _at) ? _text.Substring(_at, 2) : _text[_at].ToString();

    private string Take(int length)
    {
        string taken = _text.Substring(_at, length);
        _at += length;
        return taken;
    }

    private void Add(TokenKind kind, string text, int position, bool afterSpace = false) => _tokens.Add(new(kind, text, position, afterSpace));
}
