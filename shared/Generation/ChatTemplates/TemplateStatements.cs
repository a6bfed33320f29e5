namespace Hindsight.Generation;

/// <summary>What a statement did to the loop it stands in.</summary>
internal enum TemplateFlow
{
    Next,
    Break,
    Continue,
}

/// <summary>A piece of a template: text, output, or a block.</summary>
/// <param name="Line">Where it begins.</param>
internal abstract record TemplateStatement(int Line)
{
    public TemplateFlow Execute(TemplateRendering rendering, TemplateScope scope)
    {
        rendering.Enter();
        rendering.Line = Line;
        var flow = Run(rendering, scope);
        rendering.Leave();
        return flow;
    }

    protected abstract TemplateFlow Run(TemplateRendering rendering, TemplateScope scope);

    public static TemplateFlow ExecuteAll(IReadOnlyList<TemplateStatement> statements, TemplateRendering rendering, TemplateScope scope)
    {
        foreach (var statement in statements)
        {
            if (statement.Execute(rendering, scope) is var flow and not TemplateFlow.Next)
                return flow;
        }
        return TemplateFlow.Next;
    }

    public sealed record Text(int Line, string Content) : TemplateStatement(Line)
    {
        protected override TemplateFlow Run(TemplateRendering rendering, TemplateScope scope)
        {
            rendering.Write(Content);
            return TemplateFlow.Next;
        }
    }

    public sealed record Output(int Line, TemplateExpression Expression) : TemplateStatement(Line)
    {
        protected override TemplateFlow Run(TemplateRendering rendering, TemplateScope scope)
        {
            rendering.Write(PythonValue.Text(Expression.Evaluate(rendering, scope), rendering));
            return TemplateFlow.Next;
        }
    }

    public sealed record If(
        int Line,
        IReadOnlyList<(TemplateExpression Condition, IReadOnlyList<TemplateStatement> Body)> Branches,
        IReadOnlyList<TemplateStatement> Otherwise) : TemplateStatement(Line)
    {
        protected override TemplateFlow Run(TemplateRendering rendering, TemplateScope scope)
        {
            foreach (var (condition, body) in Branches)
            {
                if (PythonValue.IsTrue(condition.Evaluate(rendering, scope)))
                    return ExecuteAll(body, rendering, scope);
            }
            return ExecuteAll(Otherwise, rendering, scope);
        }
    }

    public sealed record For(
        int Line,
        TemplateTarget Target,
        TemplateExpression Sequence,
        TemplateExpression? Condition,
        IReadOnlyList<TemplateStatement> Body,
        IReadOnlyList<TemplateStatement> Otherwise) : TemplateStatement(Line)
    {
        protected override TemplateFlow Run(TemplateRendering rendering, TemplateScope scope)
        {
            var items = PythonValue.Items(Sequence.Evaluate(rendering, scope), rendering);
            if (Condition is not null)
                items = [.. items.Where(item => PythonValue.IsTrue(Condition.Evaluate(rendering, Inside(item))))];
            if (items.Count == 0)
                return ExecuteAll(Otherwise, rendering, new TemplateScope(scope));

            var loop = new LoopObject(items);
            for (var i = 0; i < items.Count; i++)
            {
                rendering.Charge(1);
                loop.Index = i;
                var inner = Inside(items[i]);
                inner.Set("loop", loop);
                if (ExecuteAll(Body, rendering, inner) == TemplateFlow.Break)
                    break;
            }
            return TemplateFlow.Next;

            TemplateScope Inside(object? item)
            {
                var inner = new TemplateScope(scope);
                Target.Assign(item, rendering, inner);
                return inner;
            }
        }
    }

    public sealed record LoopControl(int Line, TemplateFlow Flow) : TemplateStatement(Line)
    {
        protected override TemplateFlow Run(TemplateRendering rendering, TemplateScope scope) => Flow;
    }

    public sealed record Set(int Line, TemplateTarget Target, TemplateExpression Value) : TemplateStatement(Line)
    {
        protected override TemplateFlow Run(TemplateRendering rendering, TemplateScope scope)
        {
            Target.Assign(Value.Evaluate(rendering, scope), rendering, scope);
            return TemplateFlow.Next;
        }
    }

    /// <summary>A body whose text goes through filters and then into a variable, or into the output where there is none.</summary>
    /// <param name="Filtered">The filters over <see cref="Captured"/>.</param>
    public sealed record Capture(int Line, TemplateTarget? Target, TemplateExpression Filtered, IReadOnlyList<TemplateStatement> Body) : TemplateStatement(Line)
    {
        /// <summary>Stands for the captured text in an expression; no template can write this name.</summary>
        public static readonly TemplateExpression Captured = new TemplateExpression.Name("");

        protected override TemplateFlow Run(TemplateRendering rendering, TemplateScope scope)
        {
            var inner = new TemplateScope(scope);
            inner.Set("", rendering.Capture(() => ExecuteAll(Body, rendering, new TemplateScope(scope))));
            var value = Filtered.Evaluate(rendering, inner);
            if (Target is null)
                rendering.Write(PythonValue.Text(value, rendering));
            else
                Target.Assign(value, rendering, scope);
            return TemplateFlow.Next;
        }
    }

    /// <summary>A body with variables of its own.</summary>
    public sealed record Scoped(int Line, IReadOnlyList<(TemplateTarget Target, TemplateExpression Value)> Assignments, IReadOnlyList<TemplateStatement> Body) : TemplateStatement(Line)
    {
        protected override TemplateFlow Run(TemplateRendering rendering, TemplateScope scope)
        {
            var inner = new TemplateScope(scope);
            foreach (var (target, value) in Assignments)
                target.Assign(value.Evaluate(rendering, scope), rendering, inner);
            return ExecuteAll(Body, rendering, inner);
        }
    }

    public sealed record Macro(
        int Line,
        string Identifier,
        IReadOnlyList<(string Name, TemplateExpression? Default)> Parameters,
        IReadOnlyList<TemplateStatement> Body) : TemplateStatement(Line)
    {
        protected override TemplateFlow Run(TemplateRendering rendering, TemplateScope scope)
        {
            scope.Set(Identifier, Function(scope));
            return TemplateFlow.Next;
        }

        public TemplateFunction Function(TemplateScope scope) => call =>
        {
            call.Rendering.Enter();
            var line = call.Rendering.Line;
            var inner = new TemplateScope(scope);
            for (var i = 0; i < Parameters.Count; i++)
            {
                var (name, otherwise) = Parameters[i];
                inner.Set(name, call.Has(i, name) ? call.Get(i, name)
                    : otherwise is not null ? otherwise.Evaluate(call.Rendering, inner)
                    : new TemplateUndefined($"the parameter '{name}' of the macro '{Identifier}' is not given"));
            }
            inner.Set("varargs", call.Positional.Skip(Parameters.Count).ToArray());
            var others = new TemplateDictionary();
            foreach (var (name, value) in call.Named.Where(argument => argument.Key != "caller" && Parameters.All(parameter => parameter.Name != argument.Key)))
                others[name] = value;
            inner.Set("kwargs", others);
            if (call.Named.TryGetValue("caller", out var caller))
                inner.Set("caller", caller);
            var text = call.Rendering.Capture(() => ExecuteAll(Body, call.Rendering, inner));
            call.Rendering.Line = line;
            call.Rendering.Leave();
            return text;
        };
    }

    /// <summary>A macro call whose body the macro can render with <c>caller()</c>.</summary>
    public sealed record CallBlock(int Line, TemplateExpression.Call Call, Macro Body) : TemplateStatement(Line)
    {
        protected override TemplateFlow Run(TemplateRendering rendering, TemplateScope scope)
        {
            rendering.Write(PythonValue.Text(Call.Invoke(rendering, scope, Body.Function(scope)), rendering));
            return TemplateFlow.Next;
        }
    }

    private sealed class LoopObject(IReadOnlyList<object?> items) : TemplateObject
    {
        private object? last;
        private bool hasLast;

        public int Index { get; set; }

        public override bool TryGet(string attribute, out object? value)
        {
            value = attribute switch
            {
                "index" => Index + 1L,
                "index0" => (long)Index,
                "revindex" => (long)items.Count - Index,
                "revindex0" => (long)items.Count - Index - 1,
                "first" => Index == 0,
                "last" => Index == items.Count - 1,
                "length" => (long)items.Count,
                "depth" => 1L,
                "depth0" => 0L,
                "previtem" => Index > 0 ? items[Index - 1] : new TemplateUndefined("there is no previous item"),
                "nextitem" => Index + 1 < items.Count ? items[Index + 1] : new TemplateUndefined("there is no next item"),
                "cycle" => (TemplateFunction)(call => call.Positional.Count == 0
                    ? throw new InvalidDataException("'cycle' is given no items")
                    : call.Positional[Index % call.Positional.Count]),
                "changed" => (TemplateFunction)Changed,
                _ => this,
            };
            return !ReferenceEquals(value, this);
        }

        private object? Changed(TemplateArguments call)
        {
            var current = call.Positional.ToArray();
            var changed = !hasLast || !PythonValue.AreEqual(last, current, call.Rendering);
            (last, hasLast) = (current, true);
            return changed;
        }
    }
}

/// <summary>What a value is assigned to.</summary>
internal abstract record TemplateTarget
{
    public abstract void Assign(object? value, TemplateRendering rendering, TemplateScope scope);

    public sealed record Name(string Identifier) : TemplateTarget
    {
        public override void Assign(object? value, TemplateRendering rendering, TemplateScope scope) => scope.Set(Identifier, value);
    }

    public sealed record Unpacking(IReadOnlyList<TemplateTarget> Targets) : TemplateTarget
    {
        public override void Assign(object? value, TemplateRendering rendering, TemplateScope scope)
        {
            var items = PythonValue.Items(value, rendering);
            if (items.Count != Targets.Count)
                throw new InvalidDataException($"{items.Count} values cannot be assigned to {Targets.Count} names");
            for (var i = 0; i < items.Count; i++)
                Targets[i].Assign(items[i], rendering, scope);
        }
    }

    public sealed record NamespaceAttribute(string Identifier, string Attribute) : TemplateTarget
    {
        public override void Assign(object? value, TemplateRendering rendering, TemplateScope scope)
        {
            if (!scope.TryGet(Identifier, out var target) || target is not TemplateNamespace space)
                throw new InvalidDataException($"'{Identifier}' is no namespace, so its attributes cannot be set");
            space.Attributes[Attribute] = value;
        }
    }
}
