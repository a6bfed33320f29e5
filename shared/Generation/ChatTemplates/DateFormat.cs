using System.Globalization;
using System.Text;

namespace Hindsight.Generation;

/// <summary>Dates in the notation of C's <c>strftime</c>, in English.</summary>
internal static class DateFormat
{
    public static string Format(DateTimeOffset date, string format)
    {
        var text = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            i++;
            // %-d and the like: without leading zeros.
            var bare = format[i] == '-' && i + 1 < format.Length;
            if (bare)
                i++;
            var part = Part(date, format[i]);
            text.Append(!bare ? part : part.TrimStart('0') is { Length: > 0 } digits ? digits : "0");
        }
        return text.ToString();
    }

    private static string Text(DateTimeOffset date, string format) => date.ToString(format, CultureInfo.InvariantCulture);

    private static string Part(DateTimeOffset date, char code) => code switch
    {
        'a' => Text(date, "ddd"),
        'A' => Text(date, "dddd"),
        'b' or 'h' => Text(date, "MMM"),
        'B' => Text(date, "MMMM"),
        'c' => string.Create(CultureInfo.InvariantCulture, $"{Text(date, "ddd MMM")} {date.Day,2} {Text(date, "HH:mm:ss yyyy")}"),
        'd' => Text(date, "dd"),
        'D' or 'x' => Text(date, "MM'/'dd'/'yy"),
        'e' => date.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'f' => Text(date, "ffffff"),
        'F' => Text(date, "yyyy-MM-dd"),
        'H' => Text(date, "HH"),
        'I' => Text(date, "hh"),
        'j' => date.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
        'm' => Text(date, "MM"),
        'M' => Text(date, "mm"),
        'n' => "\n",
        'p' => Text(date, "tt"),
        'R' => Text(date, "HH:mm"),
        'S' => Text(date, "ss"),
        't' => "\t",
        'T' or 'X' => Text(date, "HH:mm:ss"),
        'u' => (date.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)date.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'w' => ((int)date.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'y' => Text(date, "yy"),
        'Y' => Text(date, "yyyy"),
        'z' or 'Z' => "",
        '%' => "%",
        _ => throw new InvalidDataException($"the date format '%{code}' is not supported"),
    };
}
