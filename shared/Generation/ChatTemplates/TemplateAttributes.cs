namespace Hindsight.Generation;

/// <summary>Attributes, entries, slices and methods of values.</summary>
internal static class TemplateAttributes
{
    public static object? Get(object? target, string name)
    {
        if (target is TemplateUndefined undefined)
            throw PythonValue.Undefined(undefined);
        return TryAttribute(target, name, out var value) || TryEntry(target, name, out value) ? value : Missing(target, name);
    }

    public static object? GetItem(object? target, object? key, TemplateRendering rendering)
    {
        if (target is string text)
            rendering.Charge(text.Length / 16);
        if (target is TemplateUndefined undefined)
            throw PythonValue.Undefined(undefined);
        return TryEntry(target, key, out var value) || (key is string name && TryAttribute(target, name, out value)) ? value
            : Missing(target, key as string ?? $"[{key}]");
    }

    /// <summary>Follows a path such as <c>function.name</c> or <c>0.id</c>, as filters take it.</summary>
    public static object? Follow(object? target, object? path, TemplateRendering rendering)
    {
        if (path is not string names)
            return GetItem(target, path, rendering);
        foreach (var name in names.Split('.'))
            target = long.TryParse(name, out var index) ? GetItem(target, index, rendering) : GetItem(target, name, rendering);
        return target;
    }

    public static object? Slice(object? target, long? start, long? stop, long? step, TemplateRendering rendering)
    {
        if (target is TemplateUndefined undefined)
            throw PythonValue.Undefined(undefined);
        if (target is not (string or List<object?> or object?[]))
            throw new InvalidDataException($"'{PythonValue.TypeName(target)}' cannot be sliced");
        if (step == 0)
            throw new InvalidDataException("the step of a slice cannot be zero");
        if (target is string text && step is null or 1 && !PythonText.HasSurrogates((string)target))
        {
            rendering.ChargeText(text.Length);
            var (from, to) = (Clamp(start ?? 0, text.Length), Clamp(stop ?? text.Length, text.Length));
            return from < to ? text[from..to] : "";
        }

        var items = PythonValue.Items(target, rendering);
        rendering.Charge(items.Count / 4);
        var taken = new List<object?>();
        var stride = step ?? 1;
        if (stride > 0)
        {
            var end = Clamp(stop ?? items.Count, items.Count);
            for (long i = Clamp(start ?? 0, items.Count); i < end; i += Math.Min(stride, items.Count))
                taken.Add(items[(int)i]);
        }
        else
        {
            var first = start is { } begin ? Math.Min(begin < 0 ? begin + items.Count : begin, items.Count - 1) : items.Count - 1;
            var last = stop is { } end ? (end < 0 ? Math.Max(end + items.Count, -1) : end) : -1;
            for (var i = first; i > last; i += Math.Max(stride, -items.Count))
                taken.Add(items[(int)i]);
        }
        return target switch
        {
            string => rendering.Checked(string.Concat(taken)),
            object?[] => taken.ToArray(),
            _ => taken,
        };
    }

    private static int Clamp(long index, int count) => (int)Math.Clamp(index < 0 ? Math.Max(index, -(long)count) + count : index, 0, count);

    private static bool TryEntry(object? target, object? key, out object? value)
    {
        value = null;
        switch (target)
        {
            case TemplateDictionary dictionary:
                return key is null or string or bool or long or double && dictionary.TryGet(key, out value);
            case string text when key is long or bool:
                var characters = PythonText.HasSurrogates(text) ? PythonText.Characters(text) : null;
                var at = PythonValue.Integer(key);
                var length = characters?.Count ?? text.Length;
                at = at < 0 ? at + length : at;
                if (at < 0 || at >= length)
                    return false;
                value = characters is null ? text[(int)at].ToString() : characters[(int)at];
                return true;
            case IReadOnlyList<object?> list when key is long or bool:
                var index = PythonValue.Integer(key);
                index = index < 0 ? index + list.Count : index;
                if (index < 0 || index >= list.Count)
                    return false;
                value = list[(int)index];
                return true;
            default:
                return false;
        }
    }

    private static bool TryAttribute(object? target, string name, out object? value)
    {
        value = null;
        switch (target)
        {
            case TemplateNamespace space:
                return space.Attributes.TryGetValue(name, out value);
            case TemplateObject fixedAttributes:
                return fixedAttributes.TryGet(name, out value);
            default:
                value = TemplateMethods.Bind(target, name);
                return value is not null;
        }
    }

    private static TemplateUndefined Missing(object? target, string name) =>
        new($"'{PythonValue.TypeName(target)}' has no attribute or entry '{name}'");
}
