using System.Text;

namespace Hindsight.Generation;

/// <summary>The methods of strings, lists and dictionaries that do not change them.</summary>
internal static class TemplateMethods
{
    /// <summary>The method bound to its object; null where there is no such method.</summary>
    public static TemplateFunction? Bind(object? target, string name) => target switch
    {
        string text => OfText(name) is { } method ? arguments => Charged(text, arguments, method) : null,
        IReadOnlyList<object?> list => OfList(name) is { } method ? arguments => method(list, arguments) : null,
        TemplateDictionary dictionary => OfDictionary(name) is { } method ? arguments => method(dictionary, arguments) : null,
        _ => null,
    };

    private static object? Charged(string text, TemplateArguments call, Func<string, TemplateArguments, object?> method)
    {
        call.Rendering.Charge(text.Length / 16);
        return method(text, call);
    }

    private static Func<TemplateDictionary, TemplateArguments, object?>? OfDictionary(string name) => name switch
    {
        "get" => (dictionary, call) => dictionary.TryGet(call.Required(0, "key"), out var value) ? value : call.Get(1, "default"),
        "keys" => (dictionary, call) => Charged(dictionary.Keys.ToList(), call),
        "values" => (dictionary, call) => Charged(dictionary.Values.ToList(), call),
        "items" => (dictionary, call) => Charged(Entries(dictionary), call),
        "copy" => (dictionary, call) => Copy(dictionary, call),
        "update" or "pop" or "popitem" or "setdefault" or "clear" => Refused<TemplateDictionary>(name),
        _ => null,
    };

    public static List<object?> Entries(TemplateDictionary dictionary) =>
        [.. dictionary.Entries.Select(entry => (object?[])[entry.Key, entry.Value])];

    private static List<object?> Charged(List<object?> list, TemplateArguments call)
    {
        call.Rendering.Charge(list.Count);
        return list;
    }

    private static TemplateDictionary Copy(TemplateDictionary dictionary, TemplateArguments call)
    {
        call.Rendering.Charge(dictionary.Count);
        var copy = new TemplateDictionary();
        foreach (var (key, value) in dictionary.Entries)
            copy[key] = value;
        return copy;
    }

    private static Func<IReadOnlyList<object?>, TemplateArguments, object?>? OfList(string name) => name switch
    {
        "index" => (list, call) => Index(list, call),
        "count" => (list, call) => (long)list.Count(item => PythonValue.AreEqual(item, call.Required(0, "value"), call.Rendering)),
        "copy" => (list, call) => Charged([.. list], call),
        "append" or "extend" or "insert" or "pop" or "remove" or "reverse" or "sort" or "clear" => Refused<IReadOnlyList<object?>>(name),
        _ => null,
    };

    /// <summary>Templates run in the sandbox that transformers sets up, in which values cannot be changed.</summary>
    private static Func<T, TemplateArguments, object?> Refused<T>(string name) =>
        (_, _) => throw new InvalidDataException($"'{name}' would change a value, which a template may not");

    private static object Index(IReadOnlyList<object?> list, TemplateArguments call)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (PythonValue.AreEqual(list[i], call.Required(0, "value"), call.Rendering))
                return (long)i;
        }
        throw new InvalidDataException("'index' does not find the value in the list");
    }

    private static Func<string, TemplateArguments, object?>? OfText(string name) => name switch
    {
        "strip" => (text, call) => Strip(text, call, left: true, right: true),
        "lstrip" => (text, call) => Strip(text, call, left: true, right: false),
        "rstrip" => (text, call) => Strip(text, call, left: false, right: true),
        "upper" => (text, call) => call.Rendering.Checked(text.ToUpperInvariant()),
        "lower" or "casefold" => (text, call) => call.Rendering.Checked(text.ToLowerInvariant()),
        "title" => (text, call) => call.Rendering.Checked(PythonText.Title(text)),
        "capitalize" => (text, call) => call.Rendering.Checked(PythonText.Capitalized(text)),
        "swapcase" => (text, call) => call.Rendering.Checked(string.Concat(text.Select(c => char.IsUpper(c) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c)))),
        "startswith" => (text, call) => Affixes(call).Any(affix => text.StartsWith(affix, StringComparison.Ordinal)),
        "endswith" => (text, call) => Affixes(call).Any(affix => text.EndsWith(affix, StringComparison.Ordinal)),
        "removeprefix" => (text, call) => Affixes(call)[0] is var prefix && text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text,
        "removesuffix" => (text, call) => Affixes(call)[0] is var suffix && text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text,
        "split" => (text, call) => Split(text, call, fromRight: false),
        "rsplit" => (text, call) => Split(text, call, fromRight: true),
        "splitlines" => (text, call) => Charged([.. PythonText.Lines(text, call.Flag(0, "keepends"))], call),
        "partition" => (text, call) => Partition(text, call, last: false),
        "rpartition" => (text, call) => Partition(text, call, last: true),
        "replace" => (text, call) => Replace(text, Part(call, 0, "old"), Part(call, 1, "new"), call.Integer(2, "count", -1), call.Rendering),
        "join" => (text, call) => PythonValue.Items(call.Required(0, "iterable"), call.Rendering) is var items && items.All(item => item is string)
            ? Join(text, items, call.Rendering)
            : throw new InvalidDataException("'join' is given an item that is not a string"),
        "find" => (text, call) => Find(text, call, last: false),
        "rfind" => (text, call) => Find(text, call, last: true),
        "index" => (text, call) => Find(text, call, last: false) is var at and >= 0 ? at : throw new InvalidDataException("'index' does not find the text"),
        "count" => (text, call) => Count(text, Part(call, 0, "sub"), call.Rendering),
        "isdigit" or "isdecimal" or "isnumeric" => (text, _) => text.Length > 0 && text.All(char.IsDigit),
        "isalpha" => (text, _) => text.Length > 0 && text.All(char.IsLetter),
        "isalnum" => (text, _) => text.Length > 0 && text.All(char.IsLetterOrDigit),
        "isspace" => (text, _) => text.Length > 0 && text.All(PythonText.IsWhitespace),
        "isupper" => (text, _) => text.Any(char.IsUpper) && !text.Any(char.IsLower),
        "islower" => (text, _) => text.Any(char.IsLower) && !text.Any(char.IsUpper),
        "ljust" => (text, call) => Pad(text, call, (width, fill) => text.PadRight(width, fill)),
        "rjust" => (text, call) => Pad(text, call, (width, fill) => text.PadLeft(width, fill)),
        "zfill" => (text, call) => Pad(text, call, (width, _) => text is ['-' or '+', ..] ? text[0] + text[1..].PadLeft(width - 1, '0') : text.PadLeft(width, '0')),
        "center" => (text, call) => Pad(text, call, (width, fill) => Center(text, width, fill)),
        "format" => (text, call) => Format(text, call),
        _ => null,
    };

    private static string Part(TemplateArguments call, int index, string name) =>
        call.Required(index, name) as string ?? throw new InvalidDataException($"the argument '{name}' is not a string");

    private static string Strip(string text, TemplateArguments call, bool left, bool right) =>
        call.Rendering.Checked(PythonStrip(text, call.Get(0, "chars"), left, right));

    public static string PythonStrip(string text, object? characters, bool left, bool right)
    {
        var set = characters is string given ? given.ToCharArray() : PythonText.Whitespace;
        if (set.Length == 0)
            return text;
        // A set test per character: a hostile set of characters may be long.
        var members = set.ToHashSet();
        var (start, end) = (0, text.Length);
        while (left && start < end && members.Contains(text[start]))
            start++;
        while (right && end > start && members.Contains(text[end - 1]))
            end--;
        return text[start..end];
    }

    private static List<string> Affixes(TemplateArguments call) => call.Required(0, "prefix") switch
    {
        string text => [text],
        object?[] tuple when tuple.All(item => item is string) => [.. tuple.Cast<string>()],
        _ => throw new InvalidDataException("a prefix or suffix is not a string"),
    };

    private static List<object?> Split(string text, TemplateArguments call, bool fromRight)
    {
        var most = call.Integer(1, "maxsplit", -1);
        most = most < 0 ? int.MaxValue : most;
        call.Rendering.ChargeText(text.Length);
        var parts = new List<object?>();
        if (call.Get(0, "sep") is not { } given)
        {
            SplitAtWhitespace(text, most, fromRight, parts);
            return Charged(parts, call);
        }
        var separator = given as string is { Length: > 0 } part ? part : throw new InvalidDataException("the separator of a split is empty or no string");
        PythonValue.ChargeSearch(text, separator, call.Rendering);
        if (fromRight)
        {
            var end = text.Length;
            while (parts.Count < most && end >= separator.Length && text.LastIndexOf(separator, end - 1, StringComparison.Ordinal) is var at and >= 0)
            {
                parts.Add(text[(at + separator.Length)..end]);
                end = at;
            }
            parts.Add(text[..end]);
            parts.Reverse();
        }
        else
        {
            var start = 0;
            while (parts.Count < most && text.IndexOf(separator, start, StringComparison.Ordinal) is var at and >= 0)
            {
                parts.Add(text[start..at]);
                start = at + separator.Length;
            }
            parts.Add(text[start..]);
        }
        return Charged(parts, call);
    }

    private static void SplitAtWhitespace(string text, long most, bool fromRight, List<object?> parts)
    {
        var words = new List<(int Start, int End)>();
        for (var i = 0; i < text.Length; i++)
        {
            if (PythonText.IsWhitespace(text[i]))
                continue;
            var start = i;
            while (i < text.Length && !PythonText.IsWhitespace(text[i]))
                i++;
            words.Add((start, i));
        }
        if (words.Count <= most)
        {
            parts.AddRange(words.Select(word => text[word.Start..word.End]));
        }
        else if (fromRight)
        {
            var rest = words.Count - (int)most;
            parts.Add(text[..words[rest - 1].End].TrimEnd(PythonText.Whitespace));
            parts.AddRange(words.Skip(rest).Select(word => text[word.Start..word.End]));
        }
        else
        {
            parts.AddRange(words.Take((int)most).Select(word => text[word.Start..word.End]));
            parts.Add(text[words[(int)most].Start..]);
        }
    }

    private static object?[] Partition(string text, TemplateArguments call, bool last)
    {
        var separator = Part(call, 0, "sep");
        PythonValue.ChargeSearch(text, separator, call.Rendering);
        call.Rendering.ChargeText(text.Length);
        var at = last ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        return at >= 0 ? [text[..at], separator, text[(at + separator.Length)..]] : last ? ["", "", text] : [text, "", ""];
    }

    public static string Replace(string text, string old, string replacement, long count, TemplateRendering rendering)
    {
        PythonValue.ChargeSearch(text, old, rendering);
        count = count < 0 ? int.MaxValue : count;
        var replaced = new StringBuilder();
        var start = 0;
        for (var done = 0L; done < count; done++)
        {
            // An empty text is found before each character and at the end.
            var at = old.Length > 0 ? text.IndexOf(old, start, StringComparison.Ordinal) : done == 0 ? 0 : start + 1;
            if (at < 0 || at > text.Length)
                break;
            TemplateRendering.Limit((long)replaced.Length + at - start + replacement.Length);
            replaced.Append(text, start, at - start).Append(replacement);
            start = at + old.Length;
        }
        replaced.Append(text, start, text.Length - start);
        return rendering.Checked(replaced.ToString());
    }

    public static string Join(string separator, IReadOnlyList<object?> items, TemplateRendering rendering)
    {
        var joined = new StringBuilder();
        for (var i = 0; i < items.Count; i++)
        {
            var piece = PythonValue.Text(items[i], rendering);
            TemplateRendering.Limit((long)joined.Length + separator.Length + piece.Length);
            if (i > 0)
                joined.Append(separator);
            joined.Append(piece);
        }
        return rendering.Checked(joined.ToString());
    }

    private static long Find(string text, TemplateArguments call, bool last)
    {
        var part = Part(call, 0, "sub");
        PythonValue.ChargeSearch(text, part, call.Rendering);
        var start = Bound(call.Integer(1, "start", 0));
        var end = Bound(call.Integer(2, "end", text.Length));
        if (start > end)
            return -1;
        var found = last
            ? text.AsSpan(start, end - start).LastIndexOf(part)
            : text.AsSpan(start, end - start).IndexOf(part);
        return found < 0 ? -1 : PythonText.Length(text[..(start + found)]);

        int Bound(long index) => (int)Math.Clamp(index < 0 ? index + text.Length : index, 0, text.Length);
    }

    private static long Count(string text, string part, TemplateRendering rendering)
    {
        PythonValue.ChargeSearch(text, part, rendering);
        return part.Length == 0 ? PythonText.Length(text) + 1 : text.AsSpan().Count(part);
    }

    private static string Pad(string text, TemplateArguments call, Func<int, char, string> pad)
    {
        var width = Math.Max(call.Integer(0, "width", 0), text.Length);
        call.Rendering.ChargeText(width);
        var fill = call.Text(1, "fillchar", " ");
        return pad((int)width, fill.Length == 1 ? fill[0] : throw new InvalidDataException("the fill is not one character"));
    }

    public static string Center(string text, int width, char fill)
    {
        var missing = width - text.Length;
        var left = missing / 2 + (missing & width & 1);
        return text.PadLeft(text.Length + left, fill).PadRight(width, fill);
    }

    /// <summary><c>str.format</c> with plain fields: <c>{}</c>, <c>{0}</c>, <c>{name}</c>.</summary>
    private static string Format(string format, TemplateArguments call)
    {
        var text = new StringBuilder();
        var next = 0;
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] is '{' or '}' && i + 1 < format.Length && format[i + 1] == format[i])
            {
                text.Append(format[i++]);
            }
            else if (format[i] == '{' && format.IndexOf('}', i) is var end and > 0)
            {
                var field = format[(i + 1)..end];
                var value = field.Length == 0 ? call.Required(next++, "field")
                    : int.TryParse(field, out var index) ? call.Required(index, field)
                    : call.Named.TryGetValue(field, out var named) ? named
                    : throw new InvalidDataException($"the field '{{{field}}}' of a format is not supported");
                var piece = PythonValue.Text(value, call.Rendering);
                TemplateRendering.Limit((long)text.Length + piece.Length);
                text.Append(piece);
                i = end;
            }
            else
            {
                text.Append(format[i]);
            }
        }
        return call.Rendering.Checked(text.ToString());
    }
}
