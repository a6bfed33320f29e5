using System.Globalization;

namespace Hindsight.Generation;

/// <summary>Reads a Jinja template into statements.</summary>
internal sealed class TemplateParser
{
    private const int MostDepth = 150;
    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];

    private readonly List<TemplateToken> tokens;
    private int position;
    private int depth;

    private TemplateParser(List<TemplateToken> tokens) => this.tokens = tokens;

    /// <exception cref="InvalidDataException">The template is broken; the message names the line.</exception>
    public static IReadOnlyList<TemplateStatement> Parse(string source)
    {
        var parser = new TemplateParser(TemplateLexer.Tokens(source));
        return parser.Body(out _);
    }

    private TemplateToken Current => tokens[position];

    /// <summary>Reads statements up to one of the given block names, which is consumed, or to the end of the template.</summary>
    private List<TemplateStatement> Body(out string end, params ReadOnlySpan<string> ends)
    {
        Enter();
        var statements = new List<TemplateStatement>();
        while (true)
        {
            var token = tokens[position++];
            switch (token.Kind)
            {
                case TemplateTokenKind.Text:
                    statements.Add(new TemplateStatement.Text(token.Line, token.Text));
                    break;
                case TemplateTokenKind.OutputBegin:
                    statements.Add(new TemplateStatement.Output(token.Line, Tuple()));
                    Expect(TemplateTokenKind.OutputEnd, "}}");
                    break;
                case TemplateTokenKind.BlockBegin:
                    var name = Expect(TemplateTokenKind.Name, "the name of a block");
                    if (ends.Contains(name))
                    {
                        end = name;
                        depth--;
                        return statements;
                    }
                    statements.Add(Block(name, token.Line));
                    break;
                case TemplateTokenKind.End when ends.IsEmpty:
                    end = "";
                    depth--;
                    return statements;
                default:
                    throw Problem($"'{ends[^1]}' is missing", token.Line);
            }
        }
    }

    private TemplateStatement Block(string name, int line)
    {
        switch (name)
        {
            case "if":
                return If(line);
            case "for":
                return For(line);
            case "set":
                return Set(line);
            case "macro":
                return Macro(Expect(TemplateTokenKind.Name, "the name of a macro"), "endmacro", line);
            case "call":
                return CallBlock(line);
            case "filter":
                var filtered = Filters(TemplateStatement.Capture.Captured, Expect(TemplateTokenKind.Name, "the name of a filter"));
                EndBlock();
                return new TemplateStatement.Capture(line, null, filtered, Until("endfilter"));
            case "with":
                return With(line);
            case "generation":
                // Marks what the assistant wrote, for training; nothing is printed for it.
                EndBlock();
                return new TemplateStatement.Scoped(line, [], Until("endgeneration"));
            case "break" or "continue":
                EndBlock();
                return new TemplateStatement.LoopControl(line, name == "break" ? TemplateFlow.Break : TemplateFlow.Continue);
            default:
                throw Problem($"the block '{name}' is not supported here", line);
        }
    }

    private List<TemplateStatement> Until(string end)
    {
        var body = Body(out _, end);
        // A name may be repeated after endmacro and the like.
        if (Current.Kind == TemplateTokenKind.Name)
            position++;
        EndBlock();
        return body;
    }

    private TemplateStatement.If If(int line)
    {
        var branches = new List<(TemplateExpression, IReadOnlyList<TemplateStatement>)>();
        while (true)
        {
            var condition = Tuple();
            EndBlock();
            branches.Add((condition, Body(out var end, "elif", "else", "endif")));
            if (end == "elif")
                continue;
            EndBlock();
            return new TemplateStatement.If(line, branches, end == "else" ? Until("endif") : []);
        }
    }

    private TemplateStatement.For For(int line)
    {
        var target = Target();
        ExpectName("in");
        var sequence = Tuple(withConditional: false);
        var condition = TakeName("if") ? Expression() : null;
        if (Current is { Kind: TemplateTokenKind.Name, Text: "recursive" })
            throw Problem("recursive loops are not supported", Current.Line);
        EndBlock();
        var body = Body(out var end, "else", "endfor");
        EndBlock();
        return new TemplateStatement.For(line, target, sequence, condition, body, end == "else" ? Until("endfor") : []);
    }

    private TemplateStatement Set(int line)
    {
        var target = Target(attributes: true);
        if (TakeOperator("="))
        {
            var value = Tuple();
            EndBlock();
            return new TemplateStatement.Set(line, target, value);
        }
        var filtered = TemplateStatement.Capture.Captured;
        if (TakeOperator("|"))
            filtered = Filters(filtered, Expect(TemplateTokenKind.Name, "the name of a filter"));
        EndBlock();
        return new TemplateStatement.Capture(line, target, filtered, Until("endset"));
    }

    private TemplateStatement.Scoped With(int line)
    {
        var assignments = new List<(TemplateTarget, TemplateExpression)>();
        while (Current.Kind != TemplateTokenKind.BlockEnd)
        {
            if (assignments.Count > 0)
                ExpectOperator(",");
            var target = Target();
            ExpectOperator("=");
            assignments.Add((target, Expression()));
        }
        EndBlock();
        return new TemplateStatement.Scoped(line, assignments, Until("endwith"));
    }

    private TemplateStatement.Macro Macro(string name, string end, int line)
    {
        var parameters = IsOperator("(") ? Parameters() : [];
        EndBlock();
        return new TemplateStatement.Macro(line, name, parameters, Until(end));
    }

    private TemplateStatement.CallBlock CallBlock(int line)
    {
        var parameters = IsOperator("(") ? Parameters() : [];
        if (Expression() is not TemplateExpression.Call call)
            throw Problem("a call block needs a call", line);
        EndBlock();
        return new TemplateStatement.CallBlock(line, call, new TemplateStatement.Macro(line, "caller", parameters, Until("endcall")));
    }

    private List<(string, TemplateExpression?)> Parameters()
    {
        var parameters = new List<(string, TemplateExpression?)>();
        ExpectOperator("(");
        while (!TakeOperator(")"))
        {
            if (parameters.Count > 0)
                ExpectOperator(",");
            var name = Expect(TemplateTokenKind.Name, "the name of a parameter");
            parameters.Add((name, TakeOperator("=") ? Expression() : null));
        }
        return parameters;
    }

    private TemplateTarget Target(bool attributes = false)
    {
        var targets = new List<TemplateTarget>();
        do
        {
            if (targets.Count > 0 && Current.Kind != TemplateTokenKind.Name && !IsOperator("("))
                break;
            if (TakeOperator("("))
            {
                targets.Add(Target());
                ExpectOperator(")");
                continue;
            }
            var name = Expect(TemplateTokenKind.Name, "a name to assign to");
            targets.Add(attributes && TakeOperator(".")
                ? new TemplateTarget.NamespaceAttribute(name, Expect(TemplateTokenKind.Name, "the name of an attribute"))
                : new TemplateTarget.Name(name));
        }
        while (TakeOperator(","));
        return targets.Count == 1 && tokens[position - 1].Text != "," ? targets[0] : new TemplateTarget.Unpacking(targets);
    }

    /// <summary>An expression, or several with commas between, which make a tuple.</summary>
    private TemplateExpression Tuple(bool withConditional = true)
    {
        var first = withConditional ? Expression() : Or();
        if (!IsOperator(","))
            return first;
        var items = new List<TemplateExpression> { first };
        while (TakeOperator(",") && Current.Kind is not (TemplateTokenKind.BlockEnd or TemplateTokenKind.OutputEnd) && !IsOperator(")"))
            items.Add(withConditional ? Expression() : Or());
        return new TemplateExpression.TupleOf(items);
    }

    private TemplateExpression Expression()
    {
        Enter();
        var value = Or();
        while (TakeName("if"))
        {
            var condition = Or();
            value = new TemplateExpression.Conditional(condition, value, TakeName("else") ? Expression() : null);
        }
        depth--;
        return value;
    }

    private TemplateExpression Or()
    {
        var left = And();
        while (TakeName("or"))
            left = new TemplateExpression.Logical(left, IsAnd: false, And());
        return left;
    }

    private TemplateExpression And()
    {
        var left = Not();
        while (TakeName("and"))
            left = new TemplateExpression.Logical(left, IsAnd: true, Not());
        return left;
    }

    private TemplateExpression Not()
    {
        if (!TakeName("not"))
            return Comparison();
        Enter();
        var operand = Not();
        depth--;
        return new TemplateExpression.Not(operand);
    }

    private TemplateExpression Comparison()
    {
        var first = Sum();
        var rest = new List<(string, TemplateExpression)>();
        while (true)
        {
            if (Current.Kind == TemplateTokenKind.Operator && Comparisons.Contains(Current.Text))
                rest.Add((tokens[position++].Text, Sum()));
            else if (TakeName("in"))
                rest.Add(("in", Sum()));
            else if (Current is { Kind: TemplateTokenKind.Name, Text: "not" } && tokens[position + 1] is { Kind: TemplateTokenKind.Name, Text: "in" })
            {
                position += 2;
                rest.Add(("not in", Sum()));
            }
            else
                return rest.Count == 0 ? first : new TemplateExpression.Comparison(first, rest);
        }
    }

    private TemplateExpression Sum() => LeftToRight(Concatenation, "+", "-");

    private TemplateExpression Concatenation()
    {
        var first = Product();
        if (!IsOperator("~"))
            return first;
        var parts = new List<TemplateExpression> { first };
        while (TakeOperator("~"))
            parts.Add(Product());
        return new TemplateExpression.Concatenation(parts);
    }

    private TemplateExpression Product() => LeftToRight(Power, "*", "/", "//", "%");

    private TemplateExpression Power() => LeftToRight(() => Unary(), "**");

    private TemplateExpression LeftToRight(Func<TemplateExpression> operand, params ReadOnlySpan<string> signs)
    {
        var left = operand();
        while (Current.Kind == TemplateTokenKind.Operator && signs.Contains(Current.Text))
            left = new TemplateExpression.Binary(left, tokens[position++].Text, operand());
        return left;
    }

    private TemplateExpression Unary(bool withFilters = true)
    {
        Enter();
        TemplateExpression value;
        if (IsOperator("-") || IsOperator("+"))
        {
            var negative = tokens[position++].Text == "-";
            value = new TemplateExpression.Unary(negative, Unary(withFilters: false));
        }
        else
        {
            value = Primary();
        }
        value = Postfix(value);
        depth--;
        return withFilters ? FiltersAndTests(value) : value;
    }

    private TemplateExpression Primary()
    {
        var token = tokens[position++];
        switch (token.Kind)
        {
            case TemplateTokenKind.Name:
                return token.Text switch
                {
                    "true" or "True" => new TemplateExpression.Constant(true),
                    "false" or "False" => new TemplateExpression.Constant(false),
                    "none" or "None" => new TemplateExpression.Constant(null),
                    _ => new TemplateExpression.Name(token.Text),
                };
            case TemplateTokenKind.String:
                var text = token.Text;
                while (Current.Kind == TemplateTokenKind.String)
                    text += tokens[position++].Text;
                return new TemplateExpression.Constant(text);
            case TemplateTokenKind.Integer:
                return new TemplateExpression.Constant(Integer(token));
            case TemplateTokenKind.Float:
                return new TemplateExpression.Constant(double.Parse(token.Text, CultureInfo.InvariantCulture));
            case TemplateTokenKind.Operator when token.Text == "(":
                if (TakeOperator(")"))
                    return new TemplateExpression.TupleOf([]);
                var inner = Tuple();
                ExpectOperator(")");
                return inner;
            case TemplateTokenKind.Operator when token.Text == "[":
                return new TemplateExpression.ListOf(Items("]"));
            case TemplateTokenKind.Operator when token.Text == "{":
                return Dictionary();
            default:
                throw Problem($"'{token.Text}' stands where a value is expected", token.Line);
        }
    }

    private static long Integer(TemplateToken token)
    {
        try
        {
            return token.Text switch
            {
                ['0', 'x' or 'X', .. var digits] => Convert.ToInt64(digits, 16),
                ['0', 'o' or 'O', .. var digits] => Convert.ToInt64(digits, 8),
                ['0', 'b' or 'B', .. var digits] => Convert.ToInt64(digits, 2),
                var digits => long.Parse(digits, CultureInfo.InvariantCulture),
            };
        }
        catch (Exception exception) when (exception is FormatException or OverflowException or ArgumentException)
        {
            throw Problem($"'{token.Text}' is not an integer of 64 bits", token.Line);
        }
    }

    private List<TemplateExpression> Items(string end)
    {
        var items = new List<TemplateExpression>();
        while (!TakeOperator(end))
        {
            if (items.Count > 0)
            {
                ExpectOperator(",");
                if (TakeOperator(end))
                    break;
            }
            items.Add(Expression());
        }
        return items;
    }

    private TemplateExpression.DictionaryOf Dictionary()
    {
        var entries = new List<(TemplateExpression, TemplateExpression)>();
        while (!TakeOperator("}"))
        {
            if (entries.Count > 0)
            {
                ExpectOperator(",");
                if (TakeOperator("}"))
                    break;
            }
            var key = Expression();
            ExpectOperator(":");
            entries.Add((key, Expression()));
        }
        return new TemplateExpression.DictionaryOf(entries);
    }

    private TemplateExpression Postfix(TemplateExpression value)
    {
        while (true)
        {
            if (TakeOperator("."))
            {
                var token = tokens[position++];
                value = token.Kind switch
                {
                    TemplateTokenKind.Name => new TemplateExpression.Attribute(value, token.Text),
                    TemplateTokenKind.Integer => new TemplateExpression.Item(value, new TemplateExpression.Constant(Integer(token))),
                    _ => throw Problem($"'{token.Text}' stands where the name of an attribute is expected", token.Line),
                };
            }
            else if (TakeOperator("["))
                value = Subscript(value);
            else if (IsOperator("("))
                value = new TemplateExpression.Call(value, Arguments());
            else
                return value;
        }
    }

    private TemplateExpression Subscript(TemplateExpression target)
    {
        var start = IsOperator(":") ? null : Tuple();
        if (TakeOperator("]"))
            return start is null ? throw Problem("an index is missing", Current.Line) : new TemplateExpression.Item(target, start);
        ExpectOperator(":");
        var stop = IsOperator(":") || IsOperator("]") ? null : Expression();
        var step = TakeOperator(":") && !IsOperator("]") ? Expression() : null;
        ExpectOperator("]");
        return new TemplateExpression.Slice(target, start, stop, step);
    }

    private TemplateExpression FiltersAndTests(TemplateExpression value)
    {
        while (true)
        {
            if (TakeOperator("|"))
                value = Filter(value, Expect(TemplateTokenKind.Name, "the name of a filter"));
            else if (TakeName("is"))
                value = Test(value);
            else if (IsOperator("("))
                value = new TemplateExpression.Call(value, Arguments());
            else
                return value;
        }
    }

    private TemplateExpression Filters(TemplateExpression value, string name)
    {
        value = Filter(value, name);
        while (TakeOperator("|"))
            value = Filter(value, Expect(TemplateTokenKind.Name, "the name of a filter"));
        return value;
    }

    private TemplateExpression.Filter Filter(TemplateExpression value, string name) =>
        new(value, name, IsOperator("(") ? Arguments() : TemplateCallArguments.None);

    private TemplateExpression.Test Test(TemplateExpression value)
    {
        var negated = TakeName("not");
        var name = Current is { Kind: TemplateTokenKind.Operator } sign && Comparisons.Contains(sign.Text)
            ? tokens[position++].Text
            : Expect(TemplateTokenKind.Name, "the name of a test");
        TemplateCallArguments arguments;
        if (IsOperator("("))
            arguments = Arguments();
        else if (Current.Kind is TemplateTokenKind.String or TemplateTokenKind.Integer or TemplateTokenKind.Float
            || IsOperator("[") || IsOperator("{")
            || (Current.Kind == TemplateTokenKind.Name && Current.Text is not ("else" or "or" or "and" or "is" or "if" or "in" or "not" or "recursive")))
            arguments = TemplateCallArguments.None with { Positional = [Postfix(Primary())] };
        else
            arguments = TemplateCallArguments.None;
        return new TemplateExpression.Test(value, name, arguments, negated);
    }

    private TemplateCallArguments Arguments()
    {
        var positional = new List<TemplateExpression>();
        var named = new List<(string, TemplateExpression)>();
        TemplateExpression? morePositional = null, moreNamed = null;
        ExpectOperator("(");
        for (var first = true; !TakeOperator(")"); first = false)
        {
            if (!first)
            {
                ExpectOperator(",");
                if (TakeOperator(")"))
                    break;
            }
            if (TakeOperator("*"))
                morePositional = Expression();
            else if (TakeOperator("**"))
                moreNamed = Expression();
            else if (Current.Kind == TemplateTokenKind.Name && tokens[position + 1] is { Kind: TemplateTokenKind.Operator, Text: "=" })
            {
                var name = Current.Text;
                position += 2;
                named.Add((name, Expression()));
            }
            else
                positional.Add(Expression());
        }
        return new TemplateCallArguments(positional, named, morePositional, moreNamed);
    }

    private bool IsOperator(string text) => Current.Kind == TemplateTokenKind.Operator && Current.Text == text;

    private bool TakeOperator(string text)
    {
        if (!IsOperator(text))
            return false;
        position++;
        return true;
    }

    private bool TakeName(string text)
    {
        if (Current.Kind != TemplateTokenKind.Name || Current.Text != text)
            return false;
        position++;
        return true;
    }

    private void ExpectOperator(string text)
    {
        if (!TakeOperator(text))
            throw Problem($"'{text}' is expected before '{Current.Text}'", Current.Line);
    }

    private void ExpectName(string text)
    {
        if (!TakeName(text))
            throw Problem($"'{text}' is expected before '{Current.Text}'", Current.Line);
    }

    private string Expect(TemplateTokenKind kind, string what)
    {
        if (Current.Kind != kind)
            throw Problem($"{what} is expected before '{Current.Text}'", Current.Line);
        return tokens[position++].Text;
    }

    private void EndBlock() => Expect(TemplateTokenKind.BlockEnd, "%}");

    private void Enter()
    {
        if (++depth > MostDepth)
            throw Problem($"blocks or expressions are nested more than {MostDepth} deep", Current.Line);
    }

    private static InvalidDataException Problem(string problem, int line) =>
        new(string.Create(CultureInfo.InvariantCulture, $"line {line}: {problem}"));
}
