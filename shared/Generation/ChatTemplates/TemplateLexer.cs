using System.Globalization;
using System.Text;

namespace Hindsight.Generation;

internal enum TemplateTokenKind
{
    Text,
    OutputBegin,
    OutputEnd,
    BlockBegin,
    BlockEnd,
    Name,
    String,
    Integer,
    Float,
    Operator,
    End,
}

internal readonly record struct TemplateToken(TemplateTokenKind Kind, string Text, int Line);

/// <summary>
/// Cuts a Jinja template into tokens, with the options that transformers sets: <c>trim_blocks</c> (the line break after a
/// block goes) and <c>lstrip_blocks</c> (so does the indentation before one).
/// </summary>
internal sealed class TemplateLexer
{
    private static readonly string[] Operators = ["**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"];

    private readonly string source;
    private readonly List<TemplateToken> tokens = [];
    private int position;
    private int line = 1;

    private TemplateLexer(string source)
    {
        // Jinja unifies line ends and drops the last one.
        var unified = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        this.source = unified.EndsWith('\n') ? unified[..^1] : unified;
    }

    /// <exception cref="InvalidDataException">The template is broken; the message names the line.</exception>
    public static List<TemplateToken> Tokens(string source)
    {
        var lexer = new TemplateLexer(source);
        lexer.Run();
        return lexer.tokens;
    }

    private void Run()
    {
        var lineStarts = true;
        while (position < source.Length)
        {
            var tag = NextTag(position);
            var text = source[position..tag];
            if (tag == source.Length)
            {
                AddText(text);
                break;
            }
            var sign = tag + 2 < source.Length ? source[tag + 2] : '\0';
            var kept = text;
            if (sign == '-')
                kept = text.TrimEnd(PythonText.Whitespace);
            else if (sign != '+' && source[tag + 1] != '{')
                kept = WithoutIndentation(text, lineStarts);
            AddText(kept);
            line += text.AsSpan(kept.Length).Count('\n');
            position = tag + 2 + (sign is '-' or '+' ? 1 : 0);
            switch (source[tag + 1])
            {
                case '#':
                    SkipComment();
                    break;
                case '{':
                    Add(TemplateTokenKind.OutputBegin, "{{");
                    Inside("}}", TemplateTokenKind.OutputEnd);
                    break;
                default:
                    if (!TryRaw())
                    {
                        Add(TemplateTokenKind.BlockBegin, "{%");
                        Inside("%}", TemplateTokenKind.BlockEnd);
                    }
                    break;
            }
            lineStarts = source[position - 1] == '\n';
        }
        Add(TemplateTokenKind.End, "the end of the template");
    }

    private int NextTag(int from)
    {
        for (var i = source.IndexOf('{', from); i >= 0 && i + 1 < source.Length; i = source.IndexOf('{', i + 1))
        {
            if (source[i + 1] is '{' or '%' or '#')
                return i;
        }
        return source.Length;
    }

    private static string WithoutIndentation(string text, bool lineStarts)
    {
        var start = text.LastIndexOf('\n') + 1;
        return (start > 0 || lineStarts) && text.AsSpan(start).Trim(PythonText.Whitespace).IsEmpty ? text[..start] : text;
    }

    private void SkipComment()
    {
        var end = source.IndexOf("#}", position, StringComparison.Ordinal);
        if (end < 0)
            throw Problem("a comment has no end");
        var sign = end > position ? source[end - 1] : '\0';
        Advance(end + 2);
        AfterTag(sign, trims: true);
    }

    /// <summary>Handles <c>{% raw %} … {% endraw %}</c>, whose content is plain text.</summary>
    private bool TryRaw()
    {
        if (!TryWord(position, "raw", out var start, out var sign))
            return false;
        Advance(start);
        if (sign == '-')
            SkipWhitespace();
        for (var tag = source.IndexOf("{%", position, StringComparison.Ordinal); tag >= 0; tag = source.IndexOf("{%", tag + 2, StringComparison.Ordinal))
        {
            var left = tag + 2 < source.Length ? source[tag + 2] : '\0';
            if (!TryWord(tag + 2 + (left is '-' or '+' ? 1 : 0), "endraw", out var end, out sign))
                continue;
            var text = source[position..tag];
            var kept = left == '-' ? text.TrimEnd(PythonText.Whitespace) : left == '+' ? text : WithoutIndentation(text, lineStarts: false);
            if (kept.Length > 0)
                tokens.Add(new TemplateToken(TemplateTokenKind.Text, kept, line));
            Advance(end);
            AfterTag(sign, trims: true);
            return true;
        }
        throw Problem("'raw' has no 'endraw'");
    }

    private bool TryWord(int from, string word, out int end, out char sign)
    {
        (end, sign) = (from, '\0');
        while (end < source.Length && PythonText.IsWhitespace(source[end]))
            end++;
        if (!source.AsSpan(end).StartsWith(word))
            return false;
        end += word.Length;
        while (end < source.Length && PythonText.IsWhitespace(source[end]))
            end++;
        if (end < source.Length && source[end] is '-' or '+')
            sign = source[end++];
        if (!source.AsSpan(end).StartsWith("%}"))
            return false;
        end += 2;
        return true;
    }

    private void Inside(string end, TemplateTokenKind endKind)
    {
        var open = new Stack<char>();
        while (true)
        {
            SkipWhitespace();
            if (position >= source.Length)
                throw Problem($"'{end}' is missing");
            if (open.Count == 0)
            {
                var sign = source[position] is '-' or '+' ? source[position] : '\0';
                if (source.AsSpan(position + (sign == '\0' ? 0 : 1)).StartsWith(end) && (sign != '+' || endKind == TemplateTokenKind.BlockEnd))
                {
                    Add(endKind, end);
                    position += end.Length + (sign == '\0' ? 0 : 1);
                    AfterTag(sign, trims: endKind == TemplateTokenKind.BlockEnd);
                    return;
                }
            }
            var character = source[position];
            if (character is '"' or '\'')
                ReadString(character);
            else if (char.IsAsciiDigit(character))
                ReadNumber();
            else if (character == '_' || char.IsLetter(character))
                ReadName();
            else
                ReadOperator(open);
        }
    }

    private void AfterTag(char sign, bool trims)
    {
        if (sign == '-')
            SkipWhitespace();
        else if (trims && sign != '+' && position < source.Length && source[position] == '\n')
            Advance(position + 1);
    }

    private void ReadName()
    {
        var start = position;
        while (position < source.Length && (source[position] == '_' || char.IsLetterOrDigit(source[position])))
            position++;
        Add(TemplateTokenKind.Name, source[start..position]);
    }

    private void ReadNumber()
    {
        var start = position;
        // In `x.0.y` the 0 is an index and no part of a fraction.
        var isIndex = tokens[^1] is { Kind: TemplateTokenKind.Operator, Text: "." };
        if (source[position] == '0' && position + 1 < source.Length && char.ToLowerInvariant(source[position + 1]) is 'x' or 'o' or 'b')
        {
            position += 2;
            while (position < source.Length && (char.IsAsciiHexDigit(source[position]) || source[position] == '_'))
                position++;
            Add(TemplateTokenKind.Integer, source[start..position].Replace("_", "", StringComparison.Ordinal));
            return;
        }
        SkipDigits();
        var isFloat = false;
        if (!isIndex && IsDigitAt(position + 1) && source[position] == '.')
        {
            isFloat = true;
            position++;
            SkipDigits();
        }
        if (!isIndex && position < source.Length && source[position] is 'e' or 'E')
        {
            var exponent = position + 1;
            if (exponent < source.Length && source[exponent] is '+' or '-')
                exponent++;
            if (IsDigitAt(exponent))
            {
                isFloat = true;
                position = exponent;
                SkipDigits();
            }
        }
        Add(isFloat ? TemplateTokenKind.Float : TemplateTokenKind.Integer, source[start..position].Replace("_", "", StringComparison.Ordinal));

        bool IsDigitAt(int at) => at < source.Length && char.IsAsciiDigit(source[at]);

        void SkipDigits()
        {
            while (position < source.Length && (char.IsAsciiDigit(source[position]) || (source[position] == '_' && IsDigitAt(position + 1))))
                position++;
        }
    }

    private void ReadString(char quote)
    {
        var startLine = line;
        var text = new StringBuilder();
        for (var i = position + 1; i < source.Length; i++)
        {
            if (source[i] == quote)
            {
                Advance(i + 1);
                tokens.Add(new TemplateToken(TemplateTokenKind.String, text.ToString(), startLine));
                return;
            }
            if (source[i] == '\\' && i + 1 < source.Length)
                i = Escape(i + 1, text);
            else
                text.Append(source[i]);
        }
        throw Problem("a string has no end");
    }

    /// <summary>Reads what follows a backslash as Python does; returns the place of its last character.</summary>
    private int Escape(int at, StringBuilder text)
    {
        var digits = source[at] switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0)
        {
            if (at + digits < source.Length
                && int.TryParse(source.AsSpan(at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var scalar)
                && scalar is >= 0 and <= 0x10FFFF)
            {
                // A pair of \u escapes for one character is joined by itself in UTF-16.
                text.Append(scalar <= 0xFFFF ? ((char)scalar).ToString() : char.ConvertFromUtf32(scalar));
                return at + digits;
            }
            throw Problem("an escape sequence in a string is broken");
        }
        if (source[at] is >= '0' and <= '7')
        {
            var value = 0;
            var end = at;
            for (; end < source.Length && end < at + 3 && source[end] is >= '0' and <= '7'; end++)
                value = value * 8 + (source[end] - '0');
            text.Append((char)value);
            return end - 1;
        }
        text.Append(source[at] switch
        {
            'n' => "\n",
            't' => "\t",
            'r' => "\r",
            'b' => "\b",
            'f' => "\f",
            'v' => "\v",
            'a' => "\a",
            '\\' => "\\",
            '\'' => "'",
            '"' => "\"",
            '\n' => "",
            var other => $"\\{other}",
        });
        return at;
    }

    private void ReadOperator(Stack<char> open)
    {
        foreach (var candidate in Operators)
        {
            if (!source.AsSpan(position).StartsWith(candidate))
                continue;
            if (candidate is "(" or "[" or "{")
                open.Push(candidate[0]);
            else if (candidate is ")" or "]" or "}" && !(open.TryPop(out var opener) && (opener, candidate) is ('(', ")") or ('[', "]") or ('{', "}")))
                throw Problem($"'{candidate}' has no beginning");
            Add(TemplateTokenKind.Operator, candidate);
            position += candidate.Length;
            return;
        }
        throw Problem($"the character '{source[position]}' does not belong here");
    }

    private void SkipWhitespace()
    {
        var end = position;
        while (end < source.Length && PythonText.IsWhitespace(source[end]))
            end++;
        Advance(end);
    }

    private void AddText(string text)
    {
        if (text.Length > 0)
            Add(TemplateTokenKind.Text, text);
        line += text.AsSpan().Count('\n');
    }

    private void Add(TemplateTokenKind kind, string text) => tokens.Add(new TemplateToken(kind, text, line));

    private void Advance(int to)
    {
        line += source.AsSpan(position, to - position).Count('\n');
        position = to;
    }

    private InvalidDataException Problem(string problem) => new(string.Create(CultureInfo.InvariantCulture, $"line {line}: {problem}"));
}
