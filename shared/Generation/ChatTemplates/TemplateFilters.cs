using System.Globalization;
using System.Text;

namespace Hindsight.Generation;

/// <summary>The filters of Jinja that make sense in a chat template, and <c>tojson</c> as transformers defines it.</summary>
internal static class TemplateFilters
{
    private static readonly Dictionary<string, Func<object?, TemplateArguments, object?>> Filters = new(StringComparer.Ordinal)
    {
        ["abs"] = (value, _) => value is double number ? Math.Abs(number) : (object)Math.Abs(IntegerOf(value)),
        ["attr"] = (value, call) => TemplateAttributes.Get(value, Text(call.Required(0, "name"), call)),
        ["batch"] = Batch,
        ["capitalize"] = (value, call) => call.Rendering.Checked(PythonText.Capitalized(Text(value, call))),
        ["center"] = Center,
        ["count"] = (value, _) => PythonValue.Length(value),
        ["d"] = Default,
        ["default"] = Default,
        ["dictsort"] = DictionarySort,
        ["e"] = Escape,
        ["escape"] = Escape,
        ["first"] = (value, call) => PythonValue.Items(value, call.Rendering) is [var first, ..] ? first : new TemplateUndefined("there is no first item"),
        ["float"] = (value, call) => Float(value) ?? call.Get(0, "default", 0.0),
        ["forceescape"] = Escape,
        ["format"] = (value, call) => TemplateArithmetic.Format(Text(value, call), call.Positional, call.Rendering),
        ["groupby"] = GroupBy,
        ["indent"] = Indent,
        ["int"] = Integer,
        ["items"] = (value, call) => value is TemplateUndefined ? new TemplateIterator([]) : new TemplateIterator(Charged(TemplateMethods.Entries(Dictionary(value)), call)),
        ["join"] = (value, call) => TemplateMethods.Join(call.Text(0, "d", ""), Attributes(value, call.Get(1, "attribute"), call), call.Rendering),
        ["last"] = (value, call) => PythonValue.Items(value, call.Rendering) is [.., var last] ? last : new TemplateUndefined("there is no last item"),
        ["length"] = (value, _) => PythonValue.Length(value),
        ["list"] = (value, call) => Charged([.. PythonValue.Items(value, call.Rendering)], call),
        ["lower"] = (value, call) => call.Rendering.Checked(Text(value, call).ToLowerInvariant()),
        ["map"] = Map,
        ["max"] = (value, call) => Extreme(value, call, 1),
        ["min"] = (value, call) => Extreme(value, call, -1),
        ["reject"] = (value, call) => Select(value, call, attributes: false, wanted: false),
        ["rejectattr"] = (value, call) => Select(value, call, attributes: true, wanted: false),
        ["replace"] = (value, call) => TemplateMethods.Replace(Text(value, call), Text(call.Required(0, "old"), call), Text(call.Required(1, "new"), call), call.Integer(2, "count", -1), call.Rendering),
        ["reverse"] = Reverse,
        ["round"] = Round,
        ["safe"] = (value, call) => Text(value, call),
        ["select"] = (value, call) => Select(value, call, attributes: false, wanted: true),
        ["selectattr"] = (value, call) => Select(value, call, attributes: true, wanted: true),
        ["slice"] = Slice,
        ["sort"] = Sort,
        ["string"] = (value, call) => Text(value, call),
        ["sum"] = Sum,
        ["title"] = Title,
        ["tojson"] = ToJson,
        ["trim"] = (value, call) => call.Rendering.Checked(TemplateMethods.PythonStrip(Text(value, call), call.Get(0, "chars"), left: true, right: true)),
        ["truncate"] = Truncate,
        ["unique"] = Unique,
        ["upper"] = (value, call) => call.Rendering.Checked(Text(value, call).ToUpperInvariant()),
        ["urlencode"] = (value, call) => call.Rendering.Checked(Uri.EscapeDataString(Text(value, call)).Replace("%2F", "/", StringComparison.Ordinal)),
        ["wordcount"] = WordCount,
    };

    public static bool Exists(string name) => Filters.ContainsKey(name);

    public static object? Apply(string name, object? value, TemplateArguments call)
    {
        if (!Filters.TryGetValue(name, out var filter))
            throw new InvalidDataException($"the filter '{name}' is not supported");
        if (value is string text)
            call.Rendering.Charge(text.Length / 16);
        return filter(value, call);
    }

    private static string Text(object? value, TemplateArguments call) => PythonValue.Text(value, call.Rendering);

    private static List<object?> Charged(List<object?> list, TemplateArguments call)
    {
        call.Rendering.Charge(list.Count);
        return list;
    }

    private static TemplateDictionary Dictionary(object? value) =>
        value as TemplateDictionary ?? throw new InvalidDataException($"'{PythonValue.TypeName(value)}' is not a dictionary");

    private static long IntegerOf(object? value) =>
        value is long or bool ? PythonValue.Integer(value) : throw new InvalidDataException($"'{PythonValue.TypeName(value)}' is not a number");

    private static object? Default(object? value, TemplateArguments call) =>
        value is TemplateUndefined || (call.Flag(1, "boolean") && !PythonValue.IsTrue(value)) ? call.Get(0, "default_value", "") : value;

    private static string Escape(object? value, TemplateArguments call)
    {
        var text = Text(value, call);
        TemplateRendering.Limit(text.Length);
        return call.Rendering.Checked(text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal));
    }

    private static string Center(object? value, TemplateArguments call)
    {
        var text = Text(value, call);
        var width = Math.Max(call.Integer(0, "width", 80), text.Length);
        call.Rendering.ChargeText(width);
        return TemplateMethods.Center(text, (int)width, ' ');
    }

    private static object? Integer(object? value, TemplateArguments call)
    {
        var otherwise = call.Get(0, "default", 0L);
        var radix = call.Integer(1, "base", 10);
        switch (value)
        {
            case bool or long:
                return PythonValue.Integer(value);
            case string text when radix is 2 or 8 or 16:
                var digits = text.Trim().ToLowerInvariant();
                digits = digits.StartsWith(radix switch { 2 => "0b", 8 => "0o", _ => "0x" }, StringComparison.Ordinal) ? digits[2..] : digits;
                try
                {
                    return Convert.ToInt64(digits, (int)radix);
                }
                catch (Exception exception) when (exception is FormatException or OverflowException or ArgumentException)
                {
                    return otherwise;
                }
            case string text when long.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.Integer, CultureInfo.InvariantCulture, out var integer):
                return integer;
            default:
                return Float(value) is { } number && Math.Abs(number) < long.MaxValue ? (long)number : otherwise;
        }
    }

    private static double? Float(object? value) => value switch
    {
        TemplateUndefined undefined => throw PythonValue.Undefined(undefined),
        string text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null,
        _ => PythonValue.Number(value),
    };

    private static object Round(object? value, TemplateArguments call)
    {
        var number = PythonValue.Number(value) ?? throw new InvalidDataException($"'{PythonValue.TypeName(value)}' cannot be rounded");
        var digits = (int)Math.Clamp(call.Integer(0, "precision", 0), 0, 15);
        var scale = Math.Pow(10, digits);
        return call.Text(1, "method", "common") switch
        {
            "common" when value is long integer => integer,
            "common" => (object)Math.Round(number, digits, MidpointRounding.ToEven),
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            var other => throw new InvalidDataException($"the rounding method '{other}' is not supported"),
        };
    }

    private static string Indent(object? value, TemplateArguments call)
    {
        var indentation = call.Get(0, "width", 4L) is string given ? given : Spaces(call.Integer(0, "width", 4));
        var (first, blank) = (call.Flag(1, "first"), call.Flag(2, "blank"));
        // Jinja adds a line end, so that a text which ends in one keeps it as an empty last line.
        var lines = PythonText.Lines(Text(value, call) + "\n");
        call.Rendering.ChargeText(lines.Sum(line => (long)line.Length + 1) + (long)lines.Count * indentation.Length);
        var indented = new StringBuilder(first ? indentation : "").Append(lines[0]);
        foreach (var line in lines.Skip(1))
            indented.Append('\n').Append(blank || line.Length > 0 ? indentation : "").Append(line);
        return indented.ToString();
    }

    private static string Spaces(long count)
    {
        TemplateRendering.Limit(count);
        return new string(' ', (int)Math.Max(count, 0));
    }

    /// <summary>As transformers defines it: no HTML escaping, text as it is unless <c>ensure_ascii</c> is asked for.</summary>
    private static string ToJson(object? value, TemplateArguments call)
    {
        // Its signature: (x, ensure_ascii=False, indent=None, separators=None, sort_keys=False).
        var indent = call.Get(1, "indent") switch
        {
            null => null,
            string text => text,
            long or bool => Spaces(call.Integer(1, "indent", 0)),
            _ => throw new InvalidDataException("the indent of 'tojson' is neither a number nor a string"),
        };
        var (itemSeparator, keySeparator) = (indent is null ? ", " : ",", ": ");
        if (call.Get(2, "separators") is IReadOnlyList<object?> separators)
            (itemSeparator, keySeparator) = separators is [string item, string key] ? (item, key) : throw new InvalidDataException("the separators of 'tojson' are not two strings");
        return PythonValue.Json(value, indent, itemSeparator, keySeparator, call.Flag(3, "sort_keys"), call.Flag(0, "ensure_ascii"), call.Rendering);
    }

    private static object Reverse(object? value, TemplateArguments call)
    {
        var reversed = Charged([.. PythonValue.Items(value, call.Rendering).Reverse()], call);
        return value is string ? string.Concat(reversed) : new TemplateIterator(reversed);
    }

    /// <summary>The items, or what a path of attributes leads to in each.</summary>
    private static IReadOnlyList<object?> Attributes(object? value, object? path, TemplateArguments call)
    {
        var items = PythonValue.Items(value, call.Rendering);
        if (path is null)
            return items;
        call.Rendering.Charge(items.Count);
        return [.. items.Select(item => TemplateAttributes.Follow(item, path, call.Rendering))];
    }

    private static TemplateIterator Map(object? value, TemplateArguments call)
    {
        var items = PythonValue.Items(value, call.Rendering);
        call.Rendering.Charge(items.Count);
        if (call.Positional.Count == 0 && call.Named.TryGetValue("attribute", out var path))
        {
            var hasDefault = call.Named.TryGetValue("default", out var otherwise);
            return new TemplateIterator([.. items.Select(item => TemplateAttributes.Follow(item, path, call.Rendering) is var found && found is TemplateUndefined && hasDefault ? otherwise : found)]);
        }
        var filter = Text(call.Required(0, "filter"), call);
        var rest = call.After(1);
        return new TemplateIterator([.. items.Select(item => Apply(filter, item, rest))]);
    }

    private static TemplateIterator Select(object? value, TemplateArguments call, bool attributes, bool wanted)
    {
        var items = PythonValue.Items(value, call.Rendering);
        call.Rendering.Charge(items.Count);
        var path = attributes ? call.Required(0, "attribute") : null;
        var testIndex = attributes ? 1 : 0;
        var test = testIndex < call.Positional.Count ? Text(call.Positional[testIndex], call) : null;
        var rest = call.After(testIndex + 1);
        return new TemplateIterator([.. items.Where(item =>
        {
            var subject = attributes ? TemplateAttributes.Follow(item, path, call.Rendering) : item;
            return (test is null ? PythonValue.IsTrue(subject) : TemplatePredicates.Holds(test, subject, rest)) == wanted;
        })]);
    }

    private static TemplateIterator Batch(object? value, TemplateArguments call)
    {
        var items = PythonValue.Items(value, call.Rendering);
        var size = (int)Math.Clamp(call.Integer(0, "linecount", 1), 1, int.MaxValue);
        var batches = new List<object?>();
        for (var i = 0; i < items.Count; i += Math.Min(size, items.Count))
        {
            var batch = items.Skip(i).Take(size).ToList();
            if (call.Get(1, "fill_with") is { } fill && batch.Count < size)
            {
                call.Rendering.ChargeText(size);
                batch.AddRange(Enumerable.Repeat<object?>(fill, size - batch.Count));
            }
            call.Rendering.Charge(batch.Count);
            batches.Add(batch);
        }
        return new TemplateIterator(batches);
    }

    private static TemplateIterator Slice(object? value, TemplateArguments call)
    {
        var items = PythonValue.Items(value, call.Rendering);
        var slices = (int)Math.Clamp(call.Integer(0, "slices", 1), 1, TemplateRendering.LongestRange);
        call.Rendering.Charge(items.Count + slices);
        var sliced = new List<object?>();
        var start = 0;
        for (var i = 0; i < slices; i++)
        {
            var count = items.Count / slices + (i < items.Count % slices ? 1 : 0);
            var part = items.Skip(start).Take(count).ToList();
            if (call.Get(1, "fill_with") is { } fill && i >= items.Count % slices && items.Count % slices > 0)
                part.Add(fill);
            sliced.Add(part);
            start += count;
        }
        return new TemplateIterator(sliced);
    }

    private static Comparer<object?> Order(bool caseSensitive, TemplateRendering rendering) => Comparer<object?>.Create((left, right) =>
        PythonValue.Compare(Folded(left, caseSensitive), Folded(right, caseSensitive), rendering));

    private static object? Folded(object? value, bool caseSensitive) => value is string text && !caseSensitive ? text.ToLowerInvariant() : value;

    private static List<object?> Sort(object? value, TemplateArguments call)
    {
        var items = PythonValue.Items(value, call.Rendering);
        var order = Order(call.Flag(1, "case_sensitive"), call.Rendering);
        var paths = call.Get(2, "attribute") is string names ? names.Split(',').Cast<object?>().ToArray() : call.Get(2, "attribute") is { } index ? [index] : [];
        List<object?> Keys(object? item) => paths.Length == 0 ? [item] : [.. paths.Select(path => TemplateAttributes.Follow(item, path, call.Rendering))];
        var byKeys = Comparer<List<object?>>.Create((left, right) =>
        {
            for (var i = 0; i < left.Count; i++)
            {
                if (order.Compare(left[i], right[i]) is var result && result != 0)
                    return result;
            }
            return 0;
        });
        call.Rendering.Charge(items.Count);
        return [.. call.Flag(0, "reverse") ? items.OrderByDescending(Keys, byKeys) : items.OrderBy(Keys, byKeys)];
    }

    private static List<object?> DictionarySort(object? value, TemplateArguments call)
    {
        var byValue = call.Text(1, "by", "key") == "value";
        var order = Order(call.Flag(0, "case_sensitive"), call.Rendering);
        var entries = Charged(TemplateMethods.Entries(Dictionary(value)), call).Cast<object?[]>();
        object? Key(object?[] entry) => entry[byValue ? 1 : 0];
        return [.. call.Flag(2, "reverse") ? entries.OrderByDescending(Key, order) : entries.OrderBy(Key, order)];
    }

    private static List<object?> GroupBy(object? value, TemplateArguments call)
    {
        var path = call.Required(0, "attribute");
        var items = Charged([.. PythonValue.Items(value, call.Rendering)], call);
        var order = Order(caseSensitive: true, call.Rendering);
        var groups = new List<object?>();
        foreach (var (key, item) in items.Select(item => (Key: TemplateAttributes.Follow(item, path, call.Rendering), Item: item)).OrderBy(pair => pair.Key, order))
        {
            if (groups is [.., object?[] last] && PythonValue.AreEqual(last[0], key, call.Rendering))
                ((List<object?>)last[1]!).Add(item);
            else
                groups.Add((object?[])[key, new List<object?> { item }]);
        }
        return groups;
    }

    private static TemplateIterator Unique(object? value, TemplateArguments call)
    {
        var caseSensitive = call.Flag(0, "case_sensitive");
        var seen = new TemplateDictionary();
        var unique = new List<object?>();
        foreach (var item in PythonValue.Items(value, call.Rendering))
        {
            call.Rendering.Charge(1);
            var key = Folded(call.Get(1, "attribute") is { } path ? TemplateAttributes.Follow(item, path, call.Rendering) : item, caseSensitive);
            if (seen.TryGet(key, out _))
                continue;
            seen[key] = null;
            unique.Add(item);
        }
        return new TemplateIterator(unique);
    }

    private static object? Extreme(object? value, TemplateArguments call, int sign)
    {
        var order = Order(call.Flag(0, "case_sensitive"), call.Rendering);
        var path = call.Get(1, "attribute");
        object? best = new TemplateUndefined("there is no item");
        object? bestKey = null;
        var any = false;
        foreach (var item in PythonValue.Items(value, call.Rendering))
        {
            var key = path is null ? item : TemplateAttributes.Follow(item, path, call.Rendering);
            if (any && order.Compare(key, bestKey) * sign <= 0)
                continue;
            (best, bestKey, any) = (item, key, true);
        }
        return best;
    }

    private static object? Sum(object? value, TemplateArguments call)
    {
        var sum = call.Get(1, "start", 0L);
        foreach (var item in Attributes(value, call.Get(0, "attribute"), call))
            sum = TemplateArithmetic.Apply("+", sum, item, call.Rendering);
        return sum;
    }

    private static string Title(object? value, TemplateArguments call)
    {
        var title = new StringBuilder();
        var starts = true;
        foreach (var character in Text(value, call))
        {
            title.Append(starts ? char.ToUpperInvariant(character) : char.ToLowerInvariant(character));
            starts = character is '-' or '(' or '{' or '[' or '<' || PythonText.IsWhitespace(character);
        }
        return call.Rendering.Checked(title.ToString());
    }

    private static string Truncate(object? value, TemplateArguments call)
    {
        var text = Text(value, call);
        var end = call.Text(2, "end", "...");
        var length = call.Integer(0, "length", 255);
        if (length < end.Length)
            throw new InvalidDataException("'truncate' must leave room for its end");
        if (text.Length <= length + call.Integer(3, "leeway", 5))
            return text;
        var kept = text[..(int)(length - end.Length)];
        if (!call.Flag(1, "killwords") && kept.LastIndexOf(' ') is var blank and >= 0)
            kept = kept[..blank];
        return call.Rendering.Checked(kept + end);
    }

    private static object WordCount(object? value, TemplateArguments call)
    {
        var (words, inside) = (0L, false);
        foreach (var character in call.Rendering.Checked(Text(value, call)))
        {
            var isWord = char.IsLetterOrDigit(character) || character == '_';
            words += isWord && !inside ? 1 : 0;
            inside = isWord;
        }
        return words;
    }
}
