using System.Text;
using System.Text.RegularExpressions;

namespace Hindsight.Scoring;

/// <summary>Brings the many ways of writing the same LaTeX, or plain text, to one.</summary>
internal static partial class MathNotation
{
    /// <summary>A longer text is no answer: no gold answer is nearly so long, and rewriting must stay cheap.</summary>
    public const int MostCharacters = 4000;

    private static readonly (string From, string To)[] Replacements =
    [
        (@"\$", ""), ("$", ""), (@"\(", ""), (@"\)", ""), (@"\[", ""), (@"\]", ""),
        (@"\!", ""), (@"\,", " "), (@"\;", " "), (@"\:", " "), (@"\ ", " "), ("~", " "), ("\n", " "), ("\r", " "), ("\t", " "),
        (@"\%", "%"), ("°", ""), (@"\{", "⦃"), (@"\}", "⦄"), (@"\|", "|"), ("−", "-"), ("–", "-"), ("×", "*"), ("·", "*"), ("÷", "/"),
        ("π", @"\pi "), ("∞", @"\infty "), ("√", @"\sqrt "), ("<=", "≤"), (">=", "≥"), (" != ", "≠"), ("**", "^"), ("<|", "|"), ("|>", "|"),
    ];

    /// <summary>Commands by what they are written as here; an empty text drops the command and keeps its argument.</summary>
    private static readonly Dictionary<string, string> Commands = new(StringComparer.Ordinal)
    {
        ["left"] = "", ["right"] = "", ["big"] = "", ["Big"] = "", ["bigl"] = "", ["bigr"] = "", ["Bigl"] = "", ["Bigr"] = "",
        ["displaystyle"] = "", ["textstyle"] = "", ["limits"] = "", ["boxed"] = "", ["mathbb"] = "", ["mathbf"] = "", ["boldsymbol"] = "",
        ["quad"] = " ", ["qquad"] = " ", ["degree"] = "", ["dollar"] = "", ["rm"] = "", ["bf"] = "", ["it"] = "",
        ["dfrac"] = @"\frac", ["tfrac"] = @"\frac", ["cfrac"] = @"\frac", ["dbinom"] = @"\binom", ["tbinom"] = @"\binom", ["choose"] = @"\choose",
        ["lt"] = "<", ["gt"] = ">", ["le"] = "≤", ["leq"] = "≤", ["leqslant"] = "≤", ["ge"] = "≥", ["geq"] = "≥", ["geqslant"] = "≥",
        ["ne"] = "≠", ["neq"] = "≠", ["in"] = "∈", ["cup"] = "∪", ["pm"] = "±", ["approx"] = "≈", ["equiv"] = "=", ["cdot"] = "*", ["times"] = "*",
        ["div"] = "/", ["lbrace"] = "⦃", ["rbrace"] = "⦄", ["lvert"] = "|", ["rvert"] = "|", ["vert"] = "|", ["mid"] = "|",
        ["lbrack"] = "[", ["rbrack"] = "]", ["land"] = ",", ["lor"] = ",", ["wedge"] = ",", ["vee"] = ",",
        ["ldots"] = "…", ["dots"] = "…", ["cdots"] = "…",
    };

    private static readonly HashSet<string> TextCommands =
        new(["text", "textbf", "textit", "textrm", "textnormal", "mbox", "hbox", "mathrm", "operatorname", "mathit", "mathsf"], StringComparer.Ordinal);

    /// <summary>The answer in plain notation: what <see cref="MathParser"/> reads, and, blanks removed, what equal strings are equal by.</summary>
    public static string Simplify(string answer)
    {
        if (answer.Length > MostCharacters)
        {
            return answer;
        }

        var text = answer.Trim().TrimEnd('.', ',', ';', ':', '\\').Trim();
        if (!text.Contains(@"\begin", StringComparison.Ordinal))
        {
            // A doubled backslash before a command is an escape that was written out; in a matrix it ends a row.
            text = DoubledBackslash().Replace(text, @"\");
        }

        text = Degrees().Replace(text, "");
        text = Rows().Replace(text, "⏎");
        foreach (var (from, to) in Replacements)
        {
            text = text.Replace(from, to, StringComparison.Ordinal);
        }

        text = WithoutCommands(text);
        text = Conclusion().Replace(text, "");
        text = Connective().Replace(text, ", ");
        text = PercentWord().Replace(text, "%");
        text = Unit().Replace(text, "$1");
        text = RepeatedComma().Replace(text, ",").Trim().Trim(',').TrimEnd('.', ';').Trim();
        text = DecimalComma().IsMatch(text) ? text.Replace(',', '.') : text;
        text = SpacedThousands().IsMatch(text) ? text.Replace(" ", "", StringComparison.Ordinal) : text;
        return Thousands().Replace(text.Replace("{,}", ",", StringComparison.Ordinal), match => match.Value.Replace(",", "", StringComparison.Ordinal));
    }

    /// <summary>Replaces known commands and resolves text commands: connectives become commas, units vanish, a text that stands alone stays.</summary>
    private static string WithoutCommands(string text)
    {
        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            if (text[i] != '\\')
            {
                plain.Append(text[i++]);
                continue;
            }

            var end = i + 1;
            while (end < text.Length && char.IsAsciiLetter(text[end]))
            {
                end++;
            }

            var name = text[(i + 1)..end];
            var open = end;
            while (open < text.Length && text[open] is ' ' or '*')
            {
                open++;
            }

            if (TextCommands.Contains(name) && open < text.Length && text[open] == '{' && text.IndexOf('}', open) is > 0 and var close)
            {
                var words = text[(open + 1)..close].Trim();
                i = close + 1;
                var alone = string.IsNullOrWhiteSpace(plain.ToString());
                if (words is "and" or "or" or "and," or ", and")
                {
                    plain.Append(" , ");
                }
                else if (alone || words.Length == 1 || words.Any(char.IsAsciiDigit))
                {
                    plain.Append(words).Append(' ');
                }
                else if (words.StartsWith("percent", StringComparison.Ordinal))
                {
                    plain.Append('%');
                }
                else if (UnitPower().Match(text, i) is { Success: true } power)
                {
                    i += power.Length;
                }
            }
            else if (Commands.TryGetValue(name, out var replacement))
            {
                plain.Append(replacement);
                if (replacement.Length > 0 && replacement[0] != '\\')
                {
                    plain.Append(' ');
                }

                i = end;
            }
            else
            {
                plain.Append(text, i, Math.Max(end - i, 1));
                i = Math.Max(end, i + 1);
            }
        }

        return plain.ToString();
    }

    [GeneratedRegex(@"\\\\(?=[A-Za-z])", RegexOptions.CultureInvariant)]
    private static partial Regex DoubledBackslash();

    [GeneratedRegex(@"\\\\(?:\[[^\]]{0,20}\])?", RegexOptions.CultureInvariant)]
    private static partial Regex Rows();

    [GeneratedRegex(@"\^\s*(?:\{\s*\\circ\s*\}|\\circ)", RegexOptions.CultureInvariant)]
    private static partial Regex Degrees();

    [GeneratedRegex(@"^.*(?:\\Rightarrow|\\implies|\\Longrightarrow|\\therefore)(?![A-Za-z])", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Conclusion();

    [GeneratedRegex(@"(?<![A-Za-z\\])(?:and|or)(?![A-Za-z])", RegexOptions.CultureInvariant)]
    private static partial Regex Connective();

    [GeneratedRegex(@"\s*(?<![A-Za-z\\])(?:percentage|percent|pct)(?![A-Za-z])", RegexOptions.CultureInvariant)]
    private static partial Regex PercentWord();

    // "125 miles", "5 cm^2", "3 square meters": words after a number (or a closing brace, as of a fraction) at the end, but no function name.
    [GeneratedRegex(@"([0-9}])(?:\s+(?!sin|cos|tan|cot|sec|csc|log|ln|sqrt|pi\b)[A-Za-z]{2,}\.?)+(?:\s*\^\s*\{?[23]\}?)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Unit();

    [GeneratedRegex(@"\G\s*\^\s*(?:\{\s*[0-9]\s*\}|[0-9])", RegexOptions.CultureInvariant)]
    private static partial Regex UnitPower();

    [GeneratedRegex(@",\s*(?:,\s*)+", RegexOptions.CultureInvariant)]
    private static partial Regex RepeatedComma();

    [GeneratedRegex(@"^-?0,[0-9]+$", RegexOptions.CultureInvariant)]
    private static partial Regex DecimalComma();

    [GeneratedRegex(@"^-?[0-9]{1,3}(?: [0-9]{3})+(?:\.[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex SpacedThousands();

    // Only outside brackets, where (1,000) is rather a pair.
    [GeneratedRegex(@"(?<![0-9.,(\[⦃])[0-9]{1,3}(?:,\s?[0-9]{3})+(?![0-9,)\]⦄]|\s*[)\]⦄])", RegexOptions.CultureInvariant)]
    private static partial Regex Thousands();
}
