using System.Globalization;
using System.Text;

namespace Hindsight.Generation;

/// <summary>An expression of a template.</summary>
internal abstract record TemplateExpression
{
    public object? Evaluate(TemplateRendering rendering, TemplateScope scope)
    {
        rendering.Enter();
        var value = Value(rendering, scope);
        rendering.Leave();
        return value;
    }

    protected abstract object? Value(TemplateRendering rendering, TemplateScope scope);

    public sealed record Constant(object? Content) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope) => Content;
    }

    public sealed record Name(string Identifier) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope) =>
            scope.TryGet(Identifier, out var value) ? value : new TemplateUndefined($"'{Identifier}' is undefined");
    }

    public sealed record ListOf(IReadOnlyList<TemplateExpression> Items) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope) =>
            Items.Select(item => item.Evaluate(rendering, scope)).ToList();
    }

    public sealed record TupleOf(IReadOnlyList<TemplateExpression> Items) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope) =>
            Items.Select(item => item.Evaluate(rendering, scope)).ToArray();
    }

    public sealed record DictionaryOf(IReadOnlyList<(TemplateExpression Key, TemplateExpression Value)> Entries) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope)
        {
            var dictionary = new TemplateDictionary();
            foreach (var (key, value) in Entries)
                dictionary[key.Evaluate(rendering, scope)] = value.Evaluate(rendering, scope);
            return dictionary;
        }
    }

    public sealed record Conditional(TemplateExpression Condition, TemplateExpression Then, TemplateExpression? Otherwise) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope) =>
            PythonValue.IsTrue(Condition.Evaluate(rendering, scope)) ? Then.Evaluate(rendering, scope)
            : Otherwise is not null ? Otherwise.Evaluate(rendering, scope)
            : new TemplateUndefined("the inline if has no else and its condition is false");
    }

    public sealed record Not(TemplateExpression Operand) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope) => !PythonValue.IsTrue(Operand.Evaluate(rendering, scope));
    }

    /// <summary><c>and</c> and <c>or</c>: the value is that of the operand which decides.</summary>
    public sealed record Logical(TemplateExpression Left, bool IsAnd, TemplateExpression Right) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope)
        {
            var left = Left.Evaluate(rendering, scope);
            return PythonValue.IsTrue(left) == IsAnd ? Right.Evaluate(rendering, scope) : left;
        }
    }

    /// <summary>A chain such as <c>a &lt; b &lt;= c</c>: every neighbouring pair must hold.</summary>
    public sealed record Comparison(TemplateExpression First, IReadOnlyList<(string Operator, TemplateExpression Operand)> Rest) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope)
        {
            var left = First.Evaluate(rendering, scope);
            foreach (var (sign, operand) in Rest)
            {
                var right = operand.Evaluate(rendering, scope);
                var holds = sign switch
                {
                    "==" => PythonValue.AreEqual(left, right, rendering),
                    "!=" => !PythonValue.AreEqual(left, right, rendering),
                    "in" => PythonValue.Contains(right, left, rendering),
                    "not in" => !PythonValue.Contains(right, left, rendering),
                    "<" => PythonValue.Compare(left, right, rendering) < 0,
                    "<=" => PythonValue.Compare(left, right, rendering) <= 0,
                    ">" => PythonValue.Compare(left, right, rendering) > 0,
                    _ => PythonValue.Compare(left, right, rendering) >= 0,
                };
                if (!holds)
                    return false;
                left = right;
            }
            return true;
        }
    }

    public sealed record Concatenation(IReadOnlyList<TemplateExpression> Parts) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope)
        {
            var text = new StringBuilder();
            foreach (var part in Parts)
            {
                var piece = PythonValue.Text(part.Evaluate(rendering, scope), rendering);
                TemplateRendering.Limit((long)text.Length + piece.Length);
                rendering.Charge(piece.Length / 16);
                text.Append(piece);
            }
            return text.ToString();
        }
    }

    public sealed record Unary(bool Negative, TemplateExpression Operand) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope)
        {
            var value = Operand.Evaluate(rendering, scope);
            return TemplateArithmetic.Apply(Negative ? "-" : "+", 0L, value, rendering);
        }
    }

    public sealed record Binary(TemplateExpression Left, string Operator, TemplateExpression Right) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope) =>
            TemplateArithmetic.Apply(Operator, Left.Evaluate(rendering, scope), Right.Evaluate(rendering, scope), rendering);
    }

    /// <summary><c>object.name</c>: a method or attribute first, then an entry of that key.</summary>
    public sealed record Attribute(TemplateExpression Target, string Identifier) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope) =>
            TemplateAttributes.Get(Target.Evaluate(rendering, scope), Identifier);
    }

    /// <summary><c>object[key]</c>: an entry first, then a method or attribute of that name.</summary>
    public sealed record Item(TemplateExpression Target, TemplateExpression Key) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope)
        {
            var target = Target.Evaluate(rendering, scope);
            return TemplateAttributes.GetItem(target, Key.Evaluate(rendering, scope), rendering);
        }
    }

    public sealed record Slice(TemplateExpression Target, TemplateExpression? Start, TemplateExpression? Stop, TemplateExpression? Step) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope)
        {
            var target = Target.Evaluate(rendering, scope);
            return TemplateAttributes.Slice(target, Bound(Start), Bound(Stop), Bound(Step), rendering);

            long? Bound(TemplateExpression? expression) => expression?.Evaluate(rendering, scope) switch
            {
                null => null,
                long number => number,
                bool flag => flag ? 1 : 0,
                TemplateUndefined undefined => throw PythonValue.Undefined(undefined),
                _ => throw new InvalidDataException("the bounds of a slice must be integers"),
            };
        }
    }

    public sealed record Call(TemplateExpression Target, TemplateCallArguments Arguments) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope) => Invoke(rendering, scope, caller: null);

        /// <param name="caller">What <c>caller</c> is in the called macro, for a call block.</param>
        public object? Invoke(TemplateRendering rendering, TemplateScope scope, TemplateFunction? caller)
        {
            var target = Target.Evaluate(rendering, scope);
            var arguments = Arguments.Evaluate(rendering, scope, caller is null ? [] : [("caller", caller)]);
            return target switch
            {
                TemplateFunction function => function(arguments),
                TemplateUndefined undefined => throw PythonValue.Undefined(undefined),
                _ => throw new InvalidDataException($"'{PythonValue.TypeName(target)}' cannot be called"),
            };
        }
    }

    public sealed record Filter(TemplateExpression Operand, string Identifier, TemplateCallArguments Arguments) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope)
        {
            var operand = Operand.Evaluate(rendering, scope);
            return TemplateFilters.Apply(Identifier, operand, Arguments.Evaluate(rendering, scope));
        }
    }

    public sealed record Test(TemplateExpression Operand, string Identifier, TemplateCallArguments Arguments, bool Negated) : TemplateExpression
    {
        protected override object? Value(TemplateRendering rendering, TemplateScope scope)
        {
            var operand = Operand.Evaluate(rendering, scope);
            return TemplatePredicates.Holds(Identifier, operand, Arguments.Evaluate(rendering, scope)) != Negated;
        }
    }
}

/// <summary>The arguments of a call as written: values, <c>name=value</c>, <c>*list</c>, <c>**dictionary</c>.</summary>
internal sealed record TemplateCallArguments(
    IReadOnlyList<TemplateExpression> Positional,
    IReadOnlyList<(string Name, TemplateExpression Value)> Named,
    TemplateExpression? MorePositional,
    TemplateExpression? MoreNamed)
{
    public static readonly TemplateCallArguments None = new([], [], null, null);

    public TemplateArguments Evaluate(TemplateRendering rendering, TemplateScope scope, params ReadOnlySpan<(string Name, object? Value)> extra)
    {
        var positional = new List<object?>(Positional.Count);
        foreach (var argument in Positional)
            positional.Add(argument.Evaluate(rendering, scope));
        if (MorePositional is not null)
            positional.AddRange(PythonValue.Items(MorePositional.Evaluate(rendering, scope), rendering));
        if (Named.Count == 0 && MoreNamed is null && extra.IsEmpty)
            return new TemplateArguments(rendering, positional, TemplateArguments.NoNames);

        var named = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (name, value) in Named)
            named[name] = value.Evaluate(rendering, scope);
        if (MoreNamed?.Evaluate(rendering, scope) is { } more)
        {
            var entries = more as TemplateDictionary ?? throw new InvalidDataException("what follows ** is not a dictionary");
            rendering.Charge(entries.Count);
            foreach (var (key, value) in entries.Entries)
                named[PythonValue.Text(key, rendering)] = value;
        }
        foreach (var (name, value) in extra)
            named[name] = value;
        return new TemplateArguments(rendering, positional, named);
    }
}
