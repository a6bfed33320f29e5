using System.Buffers;
using System.Collections.Frozen;
using System.Text;
using System.Text.RegularExpressions;

namespace Hindsight.Scoring;

/// <summary>Brings the many ways of writing the same answer, in LaTeX, Unicode or plain text, to one plain notation.</summary>
internal static partial class MathNotation
{
    /// <summary>A longer text is no answer: no gold answer is nearly so long, and rewriting must stay cheap.</summary>
    public const int MostCharacters = 4000;

    private const string Superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", Subscripts = "₀₁₂₃₄₅₆₇₈₉₊₋", Plain = "0123456789+-";

    private static readonly FrozenDictionary<char, string> Characters = new Dictionary<char, string>
    {
        ['$'] = "", ['`'] = "", ['"'] = "", ['“'] = "", ['”'] = "", ['\u200b'] = "", ['\ufeff'] = "", ['€'] = "", ['¢'] = "", ['£'] = "", ['¥'] = "", ['₹'] = "", ['₽'] = "",
        ['~'] = " ", ['\n'] = " ", ['\r'] = " ", ['\t'] = " ", ['\u00a0'] = " ", ['\u2009'] = " ", ['\u202f'] = " ", ['\u3000'] = " ",
        ['−'] = "-", ['–'] = "-", ['—'] = "-", ['‐'] = "-", ['‑'] = "-", ['‒'] = "-",
        ['×'] = "*", ['·'] = "*", ['⋅'] = "*", ['∙'] = "*", ['∗'] = "*", ['÷'] = "/", ['⁄'] = "/", ['∕'] = "/", ['∶'] = ":",
        ['º'] = "°", ['′'] = "'", ['’'] = "'", ['、'] = ",", ['。'] = ".", ['⟨'] = "(", ['⟩'] = ")", ['‖'] = "|", ['∧'] = ",", ['∨'] = ",",
        ['≦'] = "≤", ['≧'] = "≥", ['⩽'] = "≤", ['⩾'] = "≥", ['≡'] = "=", ['≃'] = "≈", ['∅'] = @"\emptyset ", ['π'] = @"\pi ", ['∞'] = @"\infty ", ['√'] = @"\sqrt ",
        ['½'] = @"\frac{1}{2}", ['⅓'] = @"\frac{1}{3}", ['⅔'] = @"\frac{2}{3}", ['¼'] = @"\frac{1}{4}", ['¾'] = @"\frac{3}{4}", ['⅕'] = @"\frac{1}{5}",
        ['⅖'] = @"\frac{2}{5}", ['⅗'] = @"\frac{3}{5}", ['⅘'] = @"\frac{4}{5}", ['⅙'] = @"\frac{1}{6}", ['⅚'] = @"\frac{5}{6}", ['⅛'] = @"\frac{1}{8}",
        ['⅜'] = @"\frac{3}{8}", ['⅝'] = @"\frac{5}{8}", ['⅞'] = @"\frac{7}{8}",
        ['α'] = @"\alpha ", ['β'] = @"\beta ", ['γ'] = @"\gamma ", ['δ'] = @"\delta ", ['ε'] = @"\epsilon ", ['θ'] = @"\theta ", ['λ'] = @"\lambda ",
        ['μ'] = @"\mu ", ['ρ'] = @"\rho ", ['σ'] = @"\sigma ", ['τ'] = @"\tau ", ['φ'] = @"\phi ", ['ω'] = @"\omega ", ['Δ'] = @"\Delta ", ['Ω'] = @"\Omega ",
    }.ToFrozenDictionary();

    /// <summary>Commands by what they are written as here; an empty text drops the command and keeps its argument.</summary>
    private static readonly FrozenDictionary<string, string> Commands = new Dictionary<string, string>
    {
        ["left"] = "", ["right"] = "", ["big"] = "", ["Big"] = "", ["bigl"] = "", ["bigr"] = "", ["Bigl"] = "", ["Bigr"] = "", ["bigg"] = "", ["Bigg"] = "",
        ["displaystyle"] = "", ["textstyle"] = "", ["limits"] = "", ["boxed"] = "", ["fbox"] = "", ["mathbf"] = "", ["boldsymbol"] = "", ["bm"] = "", ["mathcal"] = "",
        ["underline"] = "", ["ensuremath"] = "", ["tiny"] = "", ["small"] = "", ["normalsize"] = "", ["large"] = "", ["Large"] = "", ["LARGE"] = "", ["huge"] = "", ["Huge"] = "", ["rm"] = "", ["bf"] = "", ["it"] = "", ["dollar"] = "", ["angle"] = "", ["measuredangle"] = "", ["triangle"] = "",
        ["quad"] = " ", ["qquad"] = " ", ["thinspace"] = " ", ["degree"] = "°", ["degrees"] = "°", ["prime"] = "'", ["percent"] = "%",
        ["dfrac"] = @"\frac", ["tfrac"] = @"\frac", ["cfrac"] = @"\frac", ["dbinom"] = @"\binom", ["tbinom"] = @"\binom",
        ["bar"] = @"\overline", ["overrightarrow"] = @"\vec", ["varnothing"] = @"\emptyset", ["empty"] = @"\emptyset", ["varepsilon"] = @"\epsilon", ["varphi"] = @"\phi",
        ["lt"] = "<", ["gt"] = ">", ["le"] = "≤", ["leq"] = "≤", ["leqslant"] = "≤", ["leqq"] = "≤", ["ge"] = "≥", ["geq"] = "≥", ["geqslant"] = "≥", ["geqq"] = "≥",
        ["ne"] = "≠", ["neq"] = "≠", ["in"] = "∈", ["cup"] = "∪", ["cap"] = "∩", ["setminus"] = "∖", ["backslash"] = "∖", ["pm"] = "±", ["mp"] = "∓", ["approx"] = "≈", ["simeq"] = "≈",
        ["equiv"] = "=", ["cdot"] = "*", ["times"] = "*", ["ast"] = "*", ["div"] = "/", ["colon"] = ":", ["lbrace"] = "⦃", ["rbrace"] = "⦄", ["mid"] = "∣",
        ["lvert"] = "|", ["rvert"] = "|", ["vert"] = "|", ["lbrack"] = "[", ["rbrack"] = "]", ["langle"] = "(", ["rangle"] = ")",
        ["lfloor"] = "⌊", ["rfloor"] = "⌋", ["lceil"] = "⌈", ["rceil"] = "⌉", ["land"] = ",", ["lor"] = ",", ["wedge"] = ",", ["vee"] = ",",
        ["ldots"] = "…", ["dots"] = "…", ["cdots"] = "…", ["dotsc"] = "…", ["dotsb"] = "…", ["Reals"] = "ℝ", ["R"] = "ℝ",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenSet<string>
        TextCommands = FrozenSet.Create(StringComparer.Ordinal, "text", "textbf", "textit", "textrm", "textnormal", "textsf", "mbox", "hbox", "mathrm", "operatorname", "mathit", "mathsf"),
        Ignored = FrozenSet.Create(StringComparer.Ordinal, "phantom", "hphantom", "vphantom", "hspace", "vspace", "color", "textcolor", "tag", "label"),
        Conclusions = FrozenSet.Create(StringComparer.Ordinal, "Rightarrow", "implies", "Longrightarrow", "therefore");

    /// <summary>The answer in plain notation: what <see cref="MathParser"/> reads, and, blanks removed, what equal strings are equal by.</summary>
    public static string Simplify(string answer)
    {
        if (answer.Length > MostCharacters || answer.AsSpan().IndexOfAnyExcept(Digits) < 0)
        {
            return answer;
        }

        var text = answer.Trim();
        if (text.Length > 4 && text.StartsWith("**", StringComparison.Ordinal) && text.EndsWith("**", StringComparison.Ordinal))
        {
            text = text[2..^2];
        }

        text = Translated(text);
        if (text.AsSpan().IndexOfAny(Letters) >= 0)
        {
            text = Words(text);
        }

        text = Ends(RepeatedComma().Replace(text, ","));
        if (DottedThousands().IsMatch(text))
        {
            return text.Replace(".", "", StringComparison.Ordinal);
        }

        if (text.AsSpan().IndexOfAny(", ") >= 0)
        {
            text = DecimalComma().IsMatch(text) ? text.Replace(',', '.') : text;
            text = SpacedThousands().IsMatch(text) ? text.Replace(" ", "", StringComparison.Ordinal) : text;
            text = Thousands().Replace(
                text.Replace("{,}", ",", StringComparison.Ordinal),
                match => match.Value.Replace(",", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal));
        }

        return text;
    }

    private static readonly SearchValues<char>
        Digits = SearchValues.Create("0123456789"),
        Letters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    /// <summary>Without the punctuation of a sentence around it; a decimal point that leads stays.</summary>
    private static string Ends(string text) => text.AsSpan().TrimEnd(" ,;:.").TrimStart(" ,;:≈").ToString();

    /// <summary>Connectives as commas, words for numbers as numbers, units gone.</summary>
    private static string Words(string text)
    {
        text = About().Replace(Ordinal().Replace(text, "$1"), "");
        text = Connective().Replace(text, ", ");
        text = PercentWord().Replace(text, "%");
        text = InfinityWord().Replace(text, @"\infty ");
        text = Magnitude().Replace(text, match => "*10^{" + match.Groups[1].ValueSpan[0] switch { 'h' => 2, 't' when match.Groups[1].Value == "thousand" => 3, 'm' => 6, 'b' => 9, _ => 12 } + "}");
        text = TimesTen().Replace(text, "*");
        text = Residue().Replace(text, @"\pmod{$1}");
        text = DegreeWord().Replace(text, "°");
        text = (text.Contains('∈', StringComparison.Ordinal) || text.Contains(" is an", StringComparison.Ordinal)) && Domain().Match(text) is { Success: true } domain && Array.TrueForAll(Parameters(domain), name => text.AsSpan(0, domain.Index).Contains(name, StringComparison.Ordinal))
            ? text[..domain.Index] : text;
        return Unit().Replace(text.TrimEnd(' ', '.', ','), "$1");

        static string[] Parameters(Match domain) => [.. domain.Groups["name"].Captures.Select(name => name.Value)];
    }

    /// <summary>One pass over characters and commands.</summary>
    private static string Translated(string text)
    {
        var rows = text.Contains(@"\begin", StringComparison.Ordinal);
        var plain = new StringBuilder(text.Length + 16);
        for (var i = 0; i < text.Length;)
        {
            i = text[i] == '\\' ? Command(text, i, rows, plain) : Character(text, i, plain);
        }

        return plain.ToString();
    }

    /// <returns>Where to read on.</returns>
    private static int Character(string text, int i, StringBuilder plain)
    {
        var c = text[i];
        var next = i + 1 < text.Length ? text[i + 1] : '\0';
        switch (c, next)
        {
            case ('.', '.') when i + 2 < text.Length && text[i + 2] == '.':
                plain.Append('…');
                return i + 3;
            case ('<', '='):
                plain.Append('≤');
                return i + 2;
            case ('>', '='):
                plain.Append('≥');
                return i + 2;
            case ('=', '='):
                plain.Append('=');
                return i + 2;
            case ('*', '*'):
                plain.Append('^');
                return i + 2;
            case ('!', '=') when plain.Length > 0 && plain[^1] == ' ':
                plain.Append('≠');
                return i + 2;
            case ('^', _) when Circle().Match(text, i) is { Success: true } degrees:
                plain.Append('°');
                return i + degrees.Length;
        }

        if (char.IsAscii(c) && c is not ('$' or '`' or '"' or '~' or '\n' or '\r' or '\t'))
        {
            plain.Append(c);
            return i + 1;
        }

        if (Superscripts.Contains(c, StringComparison.Ordinal) || Subscripts.Contains(c, StringComparison.Ordinal))
        {
            var (mark, script) = Superscripts.Contains(c, StringComparison.Ordinal) ? ('^', Superscripts) : ('_', Subscripts);
            plain.Append(mark).Append('{');
            for (; i < text.Length && script.IndexOf(text[i], StringComparison.Ordinal) is >= 0 and var digit; i++)
            {
                plain.Append(Plain[digit]);
            }

            plain.Append('}');
            return i;
        }

        if (c is >= '！' and <= '～')
        {
            plain.Append((char)(c - '！' + '!')); // Full-width forms follow the order of ASCII.
        }
        else if (Characters.TryGetValue(c, out var known))
        {
            plain.Append(known);
        }
        else
        {
            plain.Append(c);
        }

        return i + 1;
    }

    private static int Command(string text, int i, bool rows, StringBuilder plain)
    {
        var end = i + 1;
        while (end < text.Length && char.IsAsciiLetter(text[end]))
        {
            end++;
        }

        if (end == i + 1)
        {
            return Punctuation(text, i, rows, plain);
        }

        var name = text[(i + 1)..end];
        if (name.EndsWith("frac", StringComparison.Ordinal) && UnitQuotient().Match(text, end) is { Success: true } quotient)
        {
            return end + quotient.Length;
        }

        if (TextCommands.Contains(name) && Argument(text, end, out var content) is var after and > 0)
        {
            return Text(text, after, content.Trim(), plain);
        }

        if (Ignored.Contains(name) && Argument(text, end, out _) is var behind and > 0)
        {
            return behind;
        }

        if (name == "mathbb" && BareLetter().Match(text, end) is { Success: true } letter)
        {
            plain.Append(letter.Groups[1].Value == "R" ? "ℝ" : letter.Groups[1].Value);
            return end + letter.Length;
        }

        if (name == "mathbb" && Argument(text, end, out var set) is var beyond and > 0)
        {
            plain.Append(set.Trim() == "R" ? "ℝ" : set);
            return beyond;
        }

        if (Conclusions.Contains(name))
        {
            plain.Clear();
        }
        else if (Commands.TryGetValue(name, out var known))
        {
            plain.Append(known);
            if (known.Length == 0 && name is "left" or "right" && end < text.Length && text[end] == '.')
            {
                end++; // \left. and \right. print nothing.
            }
        }
        else
        {
            plain.Append(text, i, end - i);
        }

        return end;
    }

    private static int Punctuation(string text, int i, bool rows, StringBuilder plain)
    {
        var next = i + 1 < text.Length ? text[i + 1] : '\0';
        if (next == '\\')
        {
            // A doubled backslash before a command is an escape that was written out; in a matrix it ends a row.
            if (rows)
            {
                plain.Append('⏎');
                return RowGap().Match(text, i + 2) is { Success: true } gap ? i + 2 + gap.Length : i + 2;
            }

            return i + 1 + (i + 2 < text.Length && char.IsAsciiLetter(text[i + 2]) ? 0 : 1);
        }

        plain.Append(next switch
        {
            '{' => "⦃",
            '}' => "⦄",
            '|' => "|",
            '%' => "%",
            ',' or ';' or ':' or ' ' or '>' => " ",
            '!' or '(' or ')' or '[' or ']' or '$' or '\0' => "",
            _ => next.ToString(),
        });
        return i + 2;
    }

    /// <summary>Connectives become commas, units vanish, a text that stands alone stays.</summary>
    private static int Text(string text, int after, string words, StringBuilder plain)
    {
        var before = plain.Length - 1;
        while (before >= 0 && plain[before] is ' ')
        {
            before--;
        }

        if (words.Trim(',', ' ') is "and" or "or")
        {
            plain.Append(" , ");
        }
        else if (words.StartsWith("percent", StringComparison.Ordinal))
        {
            plain.Append('%');
        }
        else if (words.StartsWith("degree", StringComparison.Ordinal))
        {
            plain.Append('°');
        }
        else if (Magnitude().IsMatch(words) || MathWords.IsHalfOfDay(words))
        {
            plain.Append(' ').Append(words);
        }
        else if (words.Length == 1 && char.IsAsciiLetter(words[0]) && before >= 0 && (char.IsAsciiDigit(plain[before]) || plain[before] is '}' or ')'))
        {
            return Power().Match(text, after) is { Success: true } squared ? after + squared.Length : after;
        }
        else if (before < 0 || words.Length <= 1 || words.Any(char.IsAsciiDigit) || plain[before] is ',' or '(' or '[' or '{' or '⦃' or '=')
        {
            foreach (var c in words)
            {
                if (c is not ('$' or '\\'))
                {
                    plain.Append(c);
                }
            }

            plain.Append(' ');
        }
        else if (Power().Match(text, after) is { Success: true } power)
        {
            return after + power.Length;
        }

        return after;
    }

    /// <returns>Where the text goes on after {content}; 0 where no such argument follows.</returns>
    private static int Argument(string text, int start, out string content)
    {
        content = "";
        while (start < text.Length && text[start] is ' ' or '*')
        {
            start++;
        }

        if (start == text.Length || text[start] != '{')
        {
            return 0;
        }

        var depth = 0;
        for (var i = start; i < text.Length; i++)
        {
            depth += text[i] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0)
            {
                content = text[(start + 1)..i];
                return i + 1;
            }
        }

        return 0;
    }

    [GeneratedRegex(@"\G\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![A-Za-z]))", RegexOptions.CultureInvariant)]
    private static partial Regex Circle();

    // \frac{\text{m}}{\text{s}^2}
    [GeneratedRegex(@"\G\{\s*\\(?:text|mathrm)\{[^{}]*\}\s*\}\s*\{\s*\\(?:text|mathrm)\{[^{}]*\}(?:\^\{?[0-9]\}?)?\s*\}", RegexOptions.CultureInvariant)]
    private static partial Regex UnitQuotient();

    [GeneratedRegex(@"\G\[[^\]]{0,20}\]", RegexOptions.CultureInvariant)]
    private static partial Regex RowGap();

    [GeneratedRegex(@"\G\s*\^\s*(?:\{\s*[0-9]\s*\}|[0-9])", RegexOptions.CultureInvariant)]
    private static partial Regex Power();

    [GeneratedRegex(@"(?<![A-Za-z\\])(?:and|or)(?![A-Za-z])", RegexOptions.CultureInvariant)]
    private static partial Regex Connective();

    [GeneratedRegex(@"\s*(?<![A-Za-z\\])(?:percentage|percent|pct)(?![A-Za-z])", RegexOptions.CultureInvariant)]
    private static partial Regex PercentWord();

    [GeneratedRegex(@"(?<![A-Za-z\\])(?:infinity|inf|Infinity)(?![A-Za-z])", RegexOptions.CultureInvariant)]
    private static partial Regex InfinityWord();

    [GeneratedRegex(@"(?<=[0-9}])\s*(hundred|thousand|million|billion|trillion)(?![A-Za-z])|^(hundred|thousand|million|billion|trillion)$", RegexOptions.CultureInvariant)]
    private static partial Regex Magnitude();

    [GeneratedRegex(@"(?<=[0-9])\s*[xX]\s*(?=10\s*\^)", RegexOptions.CultureInvariant)]
    private static partial Regex TimesTen();

    [GeneratedRegex(@"\(\s*mod\s+([0-9A-Za-z]+)\s*\)", RegexOptions.CultureInvariant)]
    private static partial Regex Residue();

    [GeneratedRegex(@"(?<=[0-9})])\s*(?:degrees?|deg)(?![A-Za-z])|(?<=°)\s*[CFK](?![A-Za-z])", RegexOptions.CultureInvariant)]
    private static partial Regex DegreeWord();

    // "125 miles", "5 cm^2", "3 square meters", "10 m/s": words after a number (or a closing brace, as of a fraction) at the end. Words of two or
    // three letters only where they are units: "2 ab" is a product.
    [GeneratedRegex(
        @"([0-9}°)])(?:\s+(?!sin|cos|tan|cot|sec|csc|log|ln|sqrt|pi\b)(?:[A-Za-z]{4,}|sq|cu|per|mph|kph|day|hrs?|min|sec|yrs?|men|ft|in|mi|yd|oz|lbs?|gal|cup|pts?|[kcmd]m|[km]?g|m[lL]|kWh?|USD|of|the)\.?|\s+[a-zA-Z]{1,3}/[a-zA-Z]{1,4}|(?<=[0-9])(?:[kcm]m|kg|mph|mL))+(?:\s*\^\s*\{?[23]\}?)?$",
        RegexOptions.CultureInvariant)]
    private static partial Regex Unit();

    [GeneratedRegex(@",\s*(?:,\s*)+", RegexOptions.CultureInvariant)]
    private static partial Regex RepeatedComma();

    // 1.000.000, as many countries part thousands; one point alone is a decimal point.
    [GeneratedRegex(@"^-?[0-9]{1,3}(?:\.[0-9]{3}){2,}$", RegexOptions.CultureInvariant)]
    private static partial Regex DottedThousands();

    [GeneratedRegex(@"\G\s*([A-Z])(?![A-Za-z])", RegexOptions.CultureInvariant)]
    private static partial Regex BareLetter();

    [GeneratedRegex(@"^\s*([0-9]+)\s*(?:st|nd|rd|th)\s*$", RegexOptions.CultureInvariant)]
    private static partial Regex Ordinal();

    [GeneratedRegex(@"^\s*(?:about|approximately|approx\.?|roughly|around|exactly)\s+(?=[-\\0-9$])", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex About();

    // "(k, 2k), k ∈ Z", "2πn for n ∈ ℤ", "2πn, where n is an integer": which values a letter of the answer may have.
    [GeneratedRegex(
        @"\s{0,3}(?:[,;(]|(?<=[\w)}])\s)\s{0,3}(?:(?:for|where|with)\s+)?(?:(?:all|any|every|some|each)\s+)?(?:(?<name>[a-zA-Z])\s*,\s*)?(?<name>[a-zA-Z])\s*(?:∈\s*(?:ℝ|ℤ|ℕ|ℚ|ℂ|[ZNQRC])(?:[_^]\{?[-+*0-9≥>]+\}?)?|is\s+an(?:y)?\s+(?:\w+\s+)?(?:integer|real number|constant))\s*\)?$",
        RegexOptions.CultureInvariant)]
    private static partial Regex Domain();

    [GeneratedRegex(@"^-?0,[0-9]+$", RegexOptions.CultureInvariant)]
    private static partial Regex DecimalComma();

    [GeneratedRegex(@"^-?[0-9]{1,3}(?: [0-9]{3})+(?:\.[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex SpacedThousands();

    // Only outside brackets, where (1,000) is rather a pair.
    [GeneratedRegex(@"(?<![0-9.,(\[⦃])[0-9]{1,3}(?:,\s?[0-9]{3})+(?![0-9,)\]⦄]|\s*[)\]⦄])", RegexOptions.CultureInvariant)]
    private static partial Regex Thousands();
}
