using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Hindsight.Generation;

/// <summary>What Python does with the values of a template: truth, equality, order, printing, JSON.</summary>
internal static class PythonValue
{
    public static string TypeName(object? value) => value switch
    {
        null => "NoneType",
        string => "str",
        bool => "bool",
        long => "int",
        double => "float",
        List<object?> => "list",
        object?[] => "tuple",
        TemplateDictionary => "dict",
        TemplateNamespace => "Namespace",
        TemplateIterator => "generator",
        TemplateFunction => "function",
        TemplateUndefined => "Undefined",
        _ => "object",
    };

    public static InvalidDataException Undefined(TemplateUndefined value) => new(value.Why);

    public static bool IsTrue(object? value) => value switch
    {
        null or TemplateUndefined => false,
        bool flag => flag,
        string text => text.Length > 0,
        long number => number != 0,
        double number => number != 0,
        IReadOnlyList<object?> list => list.Count > 0,
        TemplateDictionary dictionary => dictionary.Count > 0,
        _ => true,
    };

    /// <summary>The value as a number, where Python counts it as one.</summary>
    public static double? Number(object? value) => value switch
    {
        bool flag => flag ? 1 : 0,
        long number => number,
        double number => number,
        _ => null,
    };

    public static bool AreEqual(object? left, object? right, TemplateRendering rendering)
    {
        rendering.Enter();
        if (left is string text)
            rendering.Charge(text.Length / 64);
        var equal = (left, right) switch
        {
            (string a, string b) => a == b,
            (bool or long, bool or long) => Integer(left) == Integer(right),
            (List<object?> a, List<object?> b) => AllEqual(a, b, rendering),
            (object?[] a, object?[] b) => AllEqual(a, b, rendering),
            (TemplateDictionary a, TemplateDictionary b) => a.Count == b.Count
                && a.Entries.All(entry => b.TryGet(entry.Key, out var other) && AreEqual(entry.Value, other, rendering)),
            (TemplateUndefined, TemplateUndefined) => true,
            _ => Number(left) is { } a && Number(right) is { } b ? a == b : ReferenceEquals(left, right),
        };
        rendering.Leave();
        return equal;
    }

    private static bool AllEqual(IReadOnlyList<object?> left, IReadOnlyList<object?> right, TemplateRendering rendering)
    {
        if (left.Count != right.Count)
            return false;
        for (var i = 0; i < left.Count; i++)
        {
            if (!AreEqual(left[i], right[i], rendering))
                return false;
        }
        return true;
    }

    /// <summary>Negative, zero or positive, as left is less than, equal to or more than right.</summary>
    public static int Compare(object? left, object? right, TemplateRendering rendering)
    {
        if (left is string a && right is string b)
        {
            rendering.Charge(1 + Math.Min(a.Length, b.Length) / 16);
            return CompareText(a, b);
        }
        if (left is bool or long && right is bool or long)
            return Integer(left).CompareTo(Integer(right));
        if (Number(left) is { } x && Number(right) is { } y)
            return x.CompareTo(y);
        if ((left, right) is (List<object?>, List<object?>) or (object?[], object?[]))
        {
            var (first, second) = ((IReadOnlyList<object?>)left!, (IReadOnlyList<object?>)right!);
            rendering.Enter();
            for (var i = 0; i < Math.Min(first.Count, second.Count); i++)
            {
                if (!AreEqual(first[i], second[i], rendering))
                {
                    var order = Compare(first[i], second[i], rendering);
                    rendering.Leave();
                    return order;
                }
            }
            rendering.Leave();
            return first.Count.CompareTo(second.Count);
        }
        throw left is TemplateUndefined undefined ? Undefined(undefined)
            : right is TemplateUndefined other ? Undefined(other)
            : new InvalidDataException($"'{TypeName(left)}' cannot be compared with '{TypeName(right)}'");
    }

    /// <summary>Order by code point; UTF-16 units alone would put surrogates before U+E000.</summary>
    private static int CompareText(string left, string right)
    {
        var common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
            return left.Length.CompareTo(right.Length);
        var (a, b) = (left[common], right[common]);
        return char.IsSurrogate(a) == char.IsSurrogate(b) ? a.CompareTo(b) : char.IsSurrogate(a) ? 1 : -1;
    }

    public static long Integer(object? value) => value is bool flag ? (flag ? 1 : 0) : (long)value!;

    public static bool Contains(object? container, object? item, TemplateRendering rendering)
    {
        switch (container)
        {
            case string text:
                if (item is not string part)
                    throw new InvalidDataException($"'{TypeName(item)}' cannot be looked for in a string");
                ChargeSearch(text, part, rendering);
                return text.Contains(part, StringComparison.Ordinal);
            case TemplateDictionary dictionary:
                return dictionary.TryGet(item, out _);
            default:
                return Items(container, rendering).Any(member => AreEqual(member, item, rendering));
        }
    }

    /// <summary>Counts what a search takes at worst, when every place of the text is nearly a match.</summary>
    public static void ChargeSearch(string text, string part, TemplateRendering rendering) =>
        rendering.Charge(1 + (long)text.Length * Math.Min(part.Length, text.Length) / 1024);

    /// <summary>The items that a loop over the value goes through.</summary>
    public static IReadOnlyList<object?> Items(object? value, TemplateRendering rendering)
    {
        IReadOnlyList<object?> items = value switch
        {
            IReadOnlyList<object?> list => list,
            TemplateIterator iterator => iterator.Items,
            string text => PythonText.Characters(text),
            TemplateDictionary dictionary => [.. dictionary.Keys],
            TemplateUndefined => [],
            _ => throw new InvalidDataException($"'{TypeName(value)}' cannot be iterated over"),
        };
        rendering.Charge(1 + items.Count / (value is string ? 4 : 16));
        return items;
    }

    public static long Length(object? value) => value switch
    {
        string text => PythonText.Length(text),
        IReadOnlyList<object?> list => list.Count,
        TemplateDictionary dictionary => dictionary.Count,
        TemplateUndefined => 0,
        _ => throw new InvalidDataException($"'{TypeName(value)}' has no length"),
    };

    /// <summary>The value as it is printed.</summary>
    public static string Text(object? value, TemplateRendering rendering)
    {
        switch (value)
        {
            case string text:
                return text;
            case TemplateUndefined:
                return "";
            default:
                var written = new StringBuilder();
                Represent(value, written, rendering);
                return written.ToString();
        }
    }

    public static string Representation(object? value, TemplateRendering rendering)
    {
        var written = new StringBuilder();
        Represent(value, written, rendering);
        return written.ToString();
    }

    private static void Represent(object? value, StringBuilder written, TemplateRendering rendering)
    {
        rendering.Enter();
        switch (value)
        {
            case List<object?> list:
                RepresentAll(list, "[", "]");
                break;
            case object?[] tuple:
                RepresentAll(tuple, "(", tuple.Length == 1 ? ",)" : ")");
                break;
            case TemplateDictionary dictionary:
                written.Append('{');
                var first = true;
                foreach (var (key, entry) in dictionary.Entries)
                {
                    if (!first)
                        written.Append(", ");
                    first = false;
                    Represent(key, written, rendering);
                    written.Append(": ");
                    Represent(entry, written, rendering);
                }
                written.Append('}');
                break;
            default:
                var text = value switch
                {
                    null => "None",
                    bool flag => flag ? "True" : "False",
                    long number => number.ToString(CultureInfo.InvariantCulture),
                    double number => PythonText.Float(number),
                    string plain => PythonText.Quoted(plain),
                    TemplateUndefined => "Undefined",
                    _ => $"<{TypeName(value)}>",
                };
                TemplateRendering.Limit((long)written.Length + text.Length);
                rendering.Charge(text.Length / 16);
                written.Append(text);
                break;
        }
        rendering.Leave();

        void RepresentAll(IReadOnlyList<object?> items, string opening, string closing)
        {
            written.Append(opening);
            for (var i = 0; i < items.Count; i++)
            {
                if (i > 0)
                    written.Append(", ");
                Represent(items[i], written, rendering);
            }
            written.Append(closing);
        }
    }

    /// <summary>The value as <c>json.dumps</c> writes it.</summary>
    /// <param name="indent">What a level is indented by; null for one line.</param>
    public static string Json(object? value, string? indent, string itemSeparator, string keySeparator, bool sortKeys, bool asciiOnly, TemplateRendering rendering)
    {
        var written = new StringBuilder();
        Write(value, 1);
        return rendering.Checked(written.ToString());

        void Write(object? current, int level)
        {
            rendering.Enter();
            TemplateRendering.Limit(written.Length);
            switch (current)
            {
                case null:
                    written.Append("null");
                    break;
                case bool flag:
                    written.Append(flag ? "true" : "false");
                    break;
                case long number:
                    written.Append(number.ToString(CultureInfo.InvariantCulture));
                    break;
                case double number:
                    written.Append(JsonNumber(number));
                    break;
                case string text:
                    rendering.Charge(text.Length / 16);
                    WriteString(text);
                    break;
                case IReadOnlyList<object?> list:
                    WriteAll('[', ']', list.Count, list, level, item => Write(item, level + 1));
                    break;
                case TemplateDictionary dictionary:
                    var entries = dictionary.Entries.Select(entry => KeyValuePair.Create(JsonKey(entry.Key), entry.Value));
                    if (sortKeys)
                        entries = entries.Order(Comparer<KeyValuePair<string, object?>>.Create((left, right) => CompareText(left.Key, right.Key)));
                    WriteAll('{', '}', dictionary.Count, entries, level, entry =>
                    {
                        WriteString(entry.Key);
                        written.Append(keySeparator);
                        Write(entry.Value, level + 1);
                    });
                    break;
                case TemplateUndefined undefined:
                    throw Undefined(undefined);
                default:
                    throw new InvalidDataException($"'{TypeName(current)}' cannot be written as JSON");
            }
            rendering.Leave();
        }

        void WriteAll<T>(char opening, char closing, int count, IEnumerable<T> items, int level, Action<T> write)
        {
            written.Append(opening);
            var first = true;
            foreach (var item in items)
            {
                if (!first)
                    written.Append(itemSeparator);
                first = false;
                NewLine(level);
                write(item);
            }
            if (count > 0)
                NewLine(level - 1);
            written.Append(closing);
        }

        void NewLine(int level)
        {
            if (indent is null)
                return;
            rendering.ChargeText((long)indent.Length * level);
            written.Append('\n');
            for (var i = 0; i < level; i++)
                written.Append(indent);
        }

        void WriteString(string text)
        {
            written.Append('"');
            foreach (var character in text)
            {
                switch (character)
                {
                    case '"':
                        written.Append("\\\"");
                        break;
                    case '\\':
                        written.Append("\\\\");
                        break;
                    case '\n':
                        written.Append("\\n");
                        break;
                    case '\r':
                        written.Append("\\r");
                        break;
                    case '\t':
                        written.Append("\\t");
                        break;
                    case '\b':
                        written.Append("\\b");
                        break;
                    case '\f':
                        written.Append("\\f");
                        break;
                    default:
                        if (character < ' ' || (asciiOnly && character > '~'))
                            written.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
                        else
                            written.Append(character);
                        break;
                }
            }
            written.Append('"');
        }
    }

    private static string JsonNumber(double number) =>
        double.IsNaN(number) ? "NaN" : double.IsPositiveInfinity(number) ? "Infinity" : double.IsNegativeInfinity(number) ? "-Infinity" : PythonText.Float(number);

    private static string JsonKey(object? key) => key switch
    {
        string text => text,
        null => "null",
        bool flag => flag ? "true" : "false",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => JsonNumber(number),
        _ => throw new InvalidDataException($"'{TypeName(key)}' cannot be a key in JSON"),
    };

    /// <summary>A JSON value as a value of a template.</summary>
    public static object? FromJson(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => FromObject(element),
        JsonValueKind.Array => element.EnumerateArray().Select(FromJson).ToList(),
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => element.GetRawText().AsSpan().ContainsAny('.', 'e', 'E') || !element.TryGetInt64(out var integer) ? element.GetDouble() : (object)integer,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    private static TemplateDictionary FromObject(JsonElement element)
    {
        var dictionary = new TemplateDictionary();
        foreach (var property in element.EnumerateObject())
            dictionary[property.Name] = FromJson(property.Value);
        return dictionary;
    }
}
