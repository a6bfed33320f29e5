using System.Globalization;
using System.Text;

namespace Hindsight.Generation;

/// <summary>
/// The canonical normalisation forms NFC and NFD (Unicode Standard Annex 15). Written here because
/// <see cref="string.Normalize()"/> leaves text as it is when globalisation is invariant.
/// </summary>
internal static class CanonicalForm
{
    private const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7;
    private const int LeadCount = 19, VowelCount = 21, TailCount = 28, HangulCount = LeadCount * VowelCount * TailCount;

    private static readonly Dictionary<int, int[]> Decompositions = [];
    private static readonly Dictionary<(int, int), int> Compositions = [];
    private static readonly Dictionary<int, byte> CombiningClasses = [];

    static CanonicalForm()
    {
        foreach (var entry in UnicodeCanonicalData.Decompositions.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            var sign = entry.AsSpan().IndexOfAny('=', '>');
            var character = Hexadecimal(entry.AsSpan(0, sign));
            var parts = entry[(sign + 1)..].Split('+').Select(part => Hexadecimal(part)).ToArray();
            Decompositions.Add(character, parts);
            if (entry[sign] == '=')
                Compositions.Add((parts[0], parts[1]), character);
        }
        foreach (var entry in UnicodeCanonicalData.CombiningClasses.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = entry.IndexOf(':', StringComparison.Ordinal);
            var range = entry[..colon].Split('-');
            var combiningClass = byte.Parse(entry.AsSpan(colon + 1), CultureInfo.InvariantCulture);
            for (var character = Hexadecimal(range[0]); character <= Hexadecimal(range[^1]); character++)
                CombiningClasses.Add(character, combiningClass);
        }
    }

    public static string Compose(string text)
    {
        // Below U+0300 nothing decomposes in NFC and nothing combines.
        if (!text.AsSpan().ContainsAnyInRange('\u0300', '\uFFFF'))
            return text;
        var scalars = Decomposed(text);
        var composed = new List<int>(scalars.Count);
        var starter = -1;
        var lastClass = -1;
        foreach (var scalar in scalars)
        {
            var combiningClass = CombiningClass(scalar);
            // A mark composes with the last starter unless another of the same or a higher class stands between.
            if (starter >= 0 && lastClass < combiningClass && TryCompose(composed[starter], scalar, out var composite))
            {
                composed[starter] = composite;
                continue;
            }
            if (combiningClass == 0)
            {
                starter = composed.Count;
                lastClass = -1;
            }
            else
            {
                lastClass = combiningClass;
            }
            composed.Add(scalar);
        }
        return Join(composed);
    }

    public static string Decompose(string text) => Ascii.IsValid(text) ? text : Join(Decomposed(text));

    private static List<int> Decomposed(string text)
    {
        var scalars = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
            AppendDecomposition(rune.Value, scalars);
        OrderMarks(scalars);
        return scalars;
    }

    private static void AppendDecomposition(int scalar, List<int> scalars)
    {
        if (scalar is >= HangulBase and < HangulBase + HangulCount)
        {
            var syllable = scalar - HangulBase;
            scalars.Add(LeadBase + syllable / (VowelCount * TailCount));
            scalars.Add(VowelBase + syllable % (VowelCount * TailCount) / TailCount);
            if (syllable % TailCount != 0)
                scalars.Add(TailBase + syllable % TailCount);
        }
        else if (Decompositions.TryGetValue(scalar, out var parts))
        {
            foreach (var part in parts)
                AppendDecomposition(part, scalars);
        }
        else
        {
            scalars.Add(scalar);
        }
    }

    /// <summary>Sorts each run of combining marks by class, keeping the order of equals.</summary>
    private static void OrderMarks(List<int> scalars)
    {
        for (var start = 0; start < scalars.Count; start++)
        {
            if (CombiningClass(scalars[start]) == 0)
                continue;
            var end = start + 1;
            while (end < scalars.Count && CombiningClass(scalars[end]) != 0)
                end++;
            if (end - start > 1)
            {
                var ordered = scalars.GetRange(start, end - start).OrderBy(CombiningClass).ToList();
                for (var i = 0; i < ordered.Count; i++)
                    scalars[start + i] = ordered[i];
            }
            start = end;
        }
    }

    private static bool TryCompose(int first, int second, out int composite)
    {
        if (first is >= LeadBase and < LeadBase + LeadCount && second is >= VowelBase and < VowelBase + VowelCount)
        {
            composite = HangulBase + ((first - LeadBase) * VowelCount + (second - VowelBase)) * TailCount;
            return true;
        }
        if (first is >= HangulBase and < HangulBase + HangulCount && (first - HangulBase) % TailCount == 0
            && second is > TailBase and < TailBase + TailCount)
        {
            composite = first + (second - TailBase);
            return true;
        }
        return Compositions.TryGetValue((first, second), out composite);
    }

    private static int CombiningClass(int scalar) => CombiningClasses.GetValueOrDefault(scalar);

    private static string Join(List<int> scalars)
    {
        var text = new StringBuilder(scalars.Count);
        Span<char> units = stackalloc char[2];
        foreach (var scalar in scalars)
            text.Append(units[..new Rune(scalar).EncodeToUtf16(units)]);
        return text.ToString();
    }

    private static int Hexadecimal(ReadOnlySpan<char> digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
