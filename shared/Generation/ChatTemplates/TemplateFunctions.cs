using System.Globalization;

namespace Hindsight.Generation;

/// <summary>The functions that every template can call.</summary>
internal static class TemplateFunctions
{
    public const string Now = "strftime_now";

    public static IEnumerable<(string Name, TemplateFunction Function)> All =>
    [
        ("range", Range),
        ("dict", Dictionary),
        ("namespace", Namespace),
        ("joiner", Joiner),
        ("cycler", Cycler),
        ("raise_exception", call => throw new InvalidDataException(call.Text(0, "message", ""))),
        (Now, call => call.Rendering.Checked(DateFormat.Format(call.Rendering.Date, call.Text(0, "format", "")))),
    ];

    private static object? Range(TemplateArguments call)
    {
        var one = call.Positional.Count < 2;
        var (start, stop, step) = (one ? 0 : call.Integer(0, "start", 0), call.Integer(one ? 0 : 1, "stop", 0), call.Integer(2, "step", 1));
        if (step == 0)
            throw new InvalidDataException("the step of a range cannot be zero");
        var distance = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        var stride = Int128.Abs(step);
        var count = distance <= 0 ? 0 : (distance + stride - 1) / stride;
        if (count > TemplateRendering.LongestRange)
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"a range has more than {TemplateRendering.LongestRange} numbers"));
        call.Rendering.Charge((long)count);
        var numbers = new List<object?>((int)count);
        for (var i = 0; i < (int)count; i++)
            numbers.Add(start + i * step);
        return numbers;
    }

    private static object? Dictionary(TemplateArguments call)
    {
        var dictionary = new TemplateDictionary();
        foreach (var (key, value) in Given(call))
            dictionary[key] = value;
        foreach (var (name, value) in call.Named)
            dictionary[name] = value;
        return dictionary;
    }

    /// <summary>The entries of the dictionary that is the first argument, where there is one.</summary>
    private static IEnumerable<KeyValuePair<object?, object?>> Given(TemplateArguments call)
    {
        if (call.Get(0, "") is not TemplateDictionary dictionary)
            return [];
        call.Rendering.Charge(dictionary.Count);
        return dictionary.Entries;
    }

    private static object? Namespace(TemplateArguments call)
    {
        var space = new TemplateNamespace();
        foreach (var (key, value) in Given(call))
            space.Attributes[PythonValue.Text(key, call.Rendering)] = value;
        foreach (var (name, value) in call.Named)
            space.Attributes[name] = value;
        return space;
    }

    private static object? Joiner(TemplateArguments call)
    {
        var separator = call.Text(0, "sep", ", ");
        var used = false;
        return (TemplateFunction)(_ =>
        {
            var text = used ? separator : "";
            used = true;
            return text;
        });
    }

    private static object? Cycler(TemplateArguments call) => new CyclerObject(call.Positional);

    private sealed class CyclerObject(IReadOnlyList<object?> items) : TemplateObject
    {
        private int position;

        public override bool TryGet(string attribute, out object? value)
        {
            value = attribute switch
            {
                "next" => (TemplateFunction)(_ => items.Count == 0 ? throw new InvalidDataException("a cycler has no items") : items[position++ % items.Count]),
                "reset" => (TemplateFunction)(_ =>
                {
                    position = 0;
                    return null;
                }),
                "current" => items.Count == 0 ? null : items[position % items.Count],
                _ => null,
            };
            return attribute is "next" or "reset" or "current";
        }
    }
}
