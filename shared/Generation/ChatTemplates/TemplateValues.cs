namespace Hindsight.Generation;

// The values of a template are null, bool, long, double, string, List<object?> (a list), object?[] (a tuple),
// TemplateDictionary, and the types below. No .NET object is ever reached through a template.

/// <summary>What a name or attribute that does not exist evaluates to. It prints as nothing; most other uses of it are errors.</summary>
/// <param name="Why">What is undefined, for the error.</param>
internal sealed record TemplateUndefined(string Why);

/// <summary>A function, filter result of a bound method, or macro.</summary>
internal delegate object? TemplateFunction(TemplateArguments arguments);

/// <summary>Values that come one after another and have neither length nor index: what filters like <c>map</c> give.</summary>
internal sealed record TemplateIterator(IReadOnlyList<object?> Items);

/// <summary>What <c>namespace()</c> gives: the one kind of value whose attributes a template may set.</summary>
internal sealed class TemplateNamespace
{
    public Dictionary<string, object?> Attributes { get; } = new(StringComparer.Ordinal);
}

/// <summary>A value with fixed attributes, such as <c>loop</c>.</summary>
internal abstract class TemplateObject
{
    public abstract bool TryGet(string attribute, out object? value);
}

/// <summary>A dictionary in order of insertion. Keys are strings, numbers, booleans, none or tuples; 1, 1.0 and true are one key.</summary>
internal sealed class TemplateDictionary
{
    private readonly OrderedDictionary<Key, object?> entries = [];

    public int Count => entries.Count;

    public IEnumerable<object?> Keys => entries.Keys.Select(key => key.Value);

    public IEnumerable<object?> Values => entries.Values;

    public IEnumerable<KeyValuePair<object?, object?>> Entries => entries.Select(entry => KeyValuePair.Create(entry.Key.Value, entry.Value));

    public object? this[object? key]
    {
        set
        {
            // The first spelling of a key stays, as in Python.
            var wrapped = new Key(key);
            entries[wrapped] = value;
        }
    }

    public bool TryGet(object? key, out object? value) => entries.TryGetValue(new Key(key), out value);

    private readonly struct Key(object? value) : IEquatable<Key>
    {
        public object? Value { get; } = IsKey(value) || (value is object?[] tuple && tuple.All(IsKey))
            ? value
            : throw new InvalidDataException($"'{PythonValue.TypeName(value)}' cannot be the key of a dictionary");

        private static bool IsKey(object? value) => value is null or string or bool or long or double;

        public bool Equals(Key other) => (Value, other.Value) switch
        {
            (object?[] left, object?[] right) => left.AsSpan().SequenceEqual(right),
            (string left, string right) => left == right,
            var (left, right) => PythonValue.Number(left) is { } number && PythonValue.Number(right) is { } another ? number == another : Equals(left, right),
        };

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode() => Value switch
        {
            null => 0,
            string text => text.GetHashCode(StringComparison.Ordinal),
            bool flag => (flag ? 1.0 : 0.0).GetHashCode(),
            long number => ((double)number).GetHashCode(),
            double number => number.GetHashCode(),
            object?[] tuple => tuple.Length,
            var other => other.GetHashCode(),
        };
    }
}

/// <summary>The arguments of a call.</summary>
internal sealed class TemplateArguments(TemplateRendering rendering, IReadOnlyList<object?> positional, IReadOnlyDictionary<string, object?> named)
{
    public static readonly IReadOnlyDictionary<string, object?> NoNames = new Dictionary<string, object?>();

    public TemplateRendering Rendering { get; } = rendering;

    public IReadOnlyList<object?> Positional { get; } = positional;

    public IReadOnlyDictionary<string, object?> Named { get; } = named;

    /// <summary>The argument at an index or of a name.</summary>
    public object? Get(int index, string name, object? otherwise = null) =>
        index < Positional.Count ? Positional[index] : Named.GetValueOrDefault(name, otherwise);

    public bool Has(int index, string name) => index < Positional.Count || Named.ContainsKey(name);

    public object? Required(int index, string name) =>
        Has(index, name) ? Get(index, name) : throw new InvalidDataException($"the argument '{name}' is missing");

    public string Text(int index, string name, string otherwise) =>
        Has(index, name) ? PythonValue.Text(Get(index, name), Rendering) : otherwise;

    public long Integer(int index, string name, long otherwise) => Get(index, name, otherwise) switch
    {
        long number => number,
        bool flag => flag ? 1 : 0,
        null => otherwise,
        _ => throw new InvalidDataException($"the argument '{name}' is not an integer"),
    };

    public bool Flag(int index, string name, bool otherwise = false) => Has(index, name) ? PythonValue.IsTrue(Get(index, name)) : otherwise;

    /// <summary>The same call without its first arguments.</summary>
    public TemplateArguments After(int count) => new(Rendering, [.. Positional.Skip(count)], Named);
}
