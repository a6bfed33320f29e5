using System.Globalization;

namespace Hindsight.Benchmarks;

/// <summary>A benchmark's arguments: words, and options that take a value (--rounds 5).</summary>
internal sealed class Options
{
    private readonly Dictionary<string, string> values = new(StringComparer.Ordinal);
    private readonly HashSet<string> words = new(StringComparer.Ordinal);

    /// <exception cref="InvalidDataException">A word or an option is not among those that are known.</exception>
    public Options(string[] arguments, string[] knownWords, string[] knownOptions)
    {
        for (var index = 0; index < arguments.Length; index++)
        {
            var argument = arguments[index];
            if (knownOptions.Contains(argument) && index + 1 < arguments.Length)
            {
                values[argument] = arguments[++index];
            }
            else if (!knownWords.Contains(argument) || !words.Add(argument))
            {
                throw new InvalidDataException(
                    $"{argument} is not understood; give any of {string.Join(", ", knownWords.Concat(knownOptions.Select(option => option + " VALUE")))}.");
            }
        }
    }

    public bool Has(string word) => words.Contains(word);

    public string Text(string option, string otherwise) => values.GetValueOrDefault(option, otherwise);

    /// <exception cref="InvalidDataException">It is not a positive whole number.</exception>
    public int Number(string option, int otherwise) =>
        !values.TryGetValue(option, out var text) ? otherwise
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number
        : throw new InvalidDataException($"{option} is {text}; it must be a positive whole number.");
}
