using System.Globalization;
using System.Text;

namespace Hindsight.Generation;

/// <summary>The arithmetic operators on numbers, strings and lists, as Python has them.</summary>
internal static class TemplateArithmetic
{
    public static object? Apply(string sign, object? left, object? right, TemplateRendering rendering)
    {
        if (left is TemplateUndefined undefinedLeft)
            throw PythonValue.Undefined(undefinedLeft);
        if (right is TemplateUndefined undefinedRight && !(sign == "%" && left is string))
            throw PythonValue.Undefined(undefinedRight);
        switch (sign, left, right)
        {
            case ("+", string a, string b):
                rendering.ChargeText((long)a.Length + b.Length);
                return a + b;
            case ("+", List<object?> a, List<object?> b):
                ChargeItems((long)a.Count + b.Count, rendering);
                return new List<object?>([.. a, .. b]);
            case ("+", object?[] a, object?[] b):
                ChargeItems((long)a.Length + b.Length, rendering);
                return (object?[])[.. a, .. b];
            case ("*", string a, bool or long):
                return Repeat(a, PythonValue.Integer(right), rendering);
            case ("*", bool or long, string b):
                return Repeat(b, PythonValue.Integer(left), rendering);
            case ("*", List<object?> a, bool or long):
                return Repeat(a, PythonValue.Integer(right), rendering);
            case ("*", bool or long, List<object?> b):
                return Repeat(b, PythonValue.Integer(left), rendering);
            case ("%", string format, _):
                return Format(format, right is object?[] values ? values : [right], rendering);
        }
        try
        {
            if (left is bool or long && right is bool or long)
                return Integers(sign, PythonValue.Integer(left), PythonValue.Integer(right));
        }
        catch (OverflowException)
        {
            throw new InvalidDataException($"the result of '{sign}' is too large for an integer");
        }
        if (PythonValue.Number(left) is { } x && PythonValue.Number(right) is { } y)
            return Floats(sign, x, y);
        throw new InvalidDataException($"'{sign}' does not work on '{PythonValue.TypeName(left)}' and '{PythonValue.TypeName(right)}'");
    }

    // The casts to object keep C# from making all of them doubles.
    private static object Integers(string sign, long a, long b) => sign switch
    {
        "+" => (object)checked(a + b),
        "-" => checked(a - b),
        "*" => checked(a * b),
        "/" => b == 0 ? throw DivisionByZero() : (double)a / b,
        "//" => b == 0 ? throw DivisionByZero() : b == -1 ? checked(-a) : a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0),
        "%" => b == 0 ? throw DivisionByZero() : b == -1 ? 0L : (a % b + b) % b,
        _ => b < 0 ? (object)Math.Pow(a, b) : Power(a, b),
    };

    private static double Floats(string sign, double a, double b) => sign switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => b == 0 ? throw DivisionByZero() : a / b,
        "//" => b == 0 ? throw DivisionByZero() : Math.Floor(a / b),
        "%" => b == 0 ? throw DivisionByZero() : a - b * Math.Floor(a / b),
        _ => Math.Pow(a, b),
    };

    private static long Power(long number, long exponent)
    {
        var power = 1L;
        while (true)
        {
            if ((exponent & 1) != 0)
                power = checked(power * number);
            exponent >>= 1;
            if (exponent == 0)
                return power;
            number = checked(number * number);
        }
    }

    private static string Repeat(string text, long count, TemplateRendering rendering)
    {
        count = Math.Clamp(count, 0, int.MaxValue);
        rendering.ChargeText(text.Length * count);
        return new StringBuilder().Insert(0, text, text.Length == 0 ? 0 : (int)count).ToString();
    }

    private static List<object?> Repeat(List<object?> list, long count, TemplateRendering rendering)
    {
        count = list.Count == 0 ? 0 : Math.Clamp(count, 0, int.MaxValue);
        ChargeItems(list.Count * count, rendering);
        var repeated = new List<object?>((int)(list.Count * count));
        for (var i = 0L; i < count; i++)
            repeated.AddRange(list);
        return repeated;
    }

    /// <summary>A list may grow as long as a text: each item is at least a reference.</summary>
    private static void ChargeItems(long count, TemplateRendering rendering) => rendering.ChargeText(count * 4);

    /// <summary>The printf-like formatting of Python: the conversions s, r, d, i, f, x, with width and precision.</summary>
    public static string Format(string format, IReadOnlyList<object?> values, TemplateRendering rendering)
    {
        var text = new StringBuilder();
        var next = 0;
        for (var i = 0; i < format.Length; i++)
        {
            TemplateRendering.Limit(text.Length);
            if (format[i] != '%')
            {
                var end = format.IndexOf('%', i);
                end = end < 0 ? format.Length : end;
                text.Append(format, i, end - i);
                i = end - 1;
                continue;
            }
            var (left, zero) = (false, false);
            for (i++; i < format.Length && format[i] is '-' or '0'; i++)
                (left, zero) = (left || format[i] == '-', zero || format[i] == '0');
            var width = Digits(format, ref i) ?? 0;
            int? precision = null;
            if (i < format.Length && format[i] == '.')
            {
                i++;
                precision = Digits(format, ref i) ?? 0;
            }
            if (i >= format.Length)
                throw new InvalidDataException($"the format '{format}' is broken");
            if (format[i] == '%')
            {
                text.Append('%');
                continue;
            }
            if (next >= values.Count)
                throw new InvalidDataException($"the format '{format}' asks for more values than it is given");
            var converted = Converted(format[i], values[next++], precision, rendering);
            rendering.ChargeText(width);
            text.Append(left ? converted.PadRight(width) : zero ? converted.PadLeft(width, '0') : converted.PadLeft(width));
        }
        if (next < values.Count)
            throw new InvalidDataException($"the format '{format}' asks for fewer values than it is given");
        return rendering.Checked(text.ToString());
    }

    private static string Converted(char conversion, object? value, int? precision, TemplateRendering rendering) => conversion switch
    {
        's' => PythonValue.Text(value, rendering) is var text && precision < text.Length ? text[..precision.Value] : text,
        'r' => PythonValue.Representation(value, rendering),
        'd' or 'i' when PythonValue.Number(value) is { } number => ((long)Math.Truncate(number)).ToString(CultureInfo.InvariantCulture),
        'f' when PythonValue.Number(value) is { } number => number.ToString("F" + Math.Min(precision ?? 6, 99).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
        'x' when value is long number => number.ToString("x", CultureInfo.InvariantCulture),
        _ => throw new InvalidDataException($"the format '%{conversion}' does not work on '{PythonValue.TypeName(value)}'"),
    };

    private static int? Digits(string format, ref int position)
    {
        var start = position;
        while (position < format.Length && char.IsAsciiDigit(format[position]))
            position++;
        return position == start ? null
            : int.TryParse(format.AsSpan(start, position - start), CultureInfo.InvariantCulture, out var number) && number <= TemplateRendering.LongestText ? number
            : throw new InvalidDataException($"the format '{format}' is too wide");
    }

    private static InvalidDataException DivisionByZero() => new("division by zero");
}
