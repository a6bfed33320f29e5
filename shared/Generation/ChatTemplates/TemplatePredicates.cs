namespace Hindsight.Generation;

/// <summary>What can stand after <c>is</c> in a template.</summary>
internal static class TemplatePredicates
{
    public static bool Holds(string name, object? value, TemplateArguments call) => name switch
    {
        "defined" => value is not TemplateUndefined,
        "undefined" => value is TemplateUndefined,
        "none" => value is null,
        "true" => value is true,
        "false" => value is false,
        "boolean" => value is bool,
        "string" => value is string,
        "number" => value is long or double or bool,
        "integer" => value is long,
        "float" => value is double,
        "mapping" => value is TemplateDictionary,
        "iterable" => value is string or IReadOnlyList<object?> or TemplateDictionary or TemplateIterator or TemplateUndefined,
        "sequence" => value is string or IReadOnlyList<object?> or TemplateDictionary or TemplateUndefined,
        "callable" => value is TemplateFunction,
        "filter" => value is string filter && TemplateFilters.Exists(filter),
        "odd" => Remainder(value, 2) == 1,
        "even" => Remainder(value, 2) == 0,
        "divisibleby" => Remainder(value, call.Integer(0, "num", 1)) == 0,
        "lower" => PythonValue.Text(value, call.Rendering) is var text && text.Any(char.IsLower) && !text.Any(char.IsUpper),
        "upper" => PythonValue.Text(value, call.Rendering) is var text && text.Any(char.IsUpper) && !text.Any(char.IsLower),
        "in" => PythonValue.Contains(call.Required(0, "seq"), value, call.Rendering),
        "sameas" => value is bool or null ? Equals(value, call.Required(0, "other")) : PythonValue.AreEqual(value, call.Required(0, "other"), call.Rendering),
        "eq" or "equalto" or "==" => PythonValue.AreEqual(value, call.Required(0, "other"), call.Rendering),
        "ne" or "!=" => !PythonValue.AreEqual(value, call.Required(0, "other"), call.Rendering),
        "lt" or "lessthan" or "<" => PythonValue.Compare(value, call.Required(0, "other"), call.Rendering) < 0,
        "le" or "<=" => PythonValue.Compare(value, call.Required(0, "other"), call.Rendering) <= 0,
        "gt" or "greaterthan" or ">" => PythonValue.Compare(value, call.Required(0, "other"), call.Rendering) > 0,
        "ge" or ">=" => PythonValue.Compare(value, call.Required(0, "other"), call.Rendering) >= 0,
        _ => throw new InvalidDataException($"the test '{name}' is not supported"),
    };

    private static long Remainder(object? value, long divisor) => value is long or bool && divisor != 0
        ? Math.Abs(PythonValue.Integer(value) % divisor)
        : throw new InvalidDataException("a test of divisibility needs integers, and not zero");
}
