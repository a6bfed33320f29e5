using System.Globalization;
using System.Text;

namespace Hindsight.Generation;

/// <summary>
/// One rendering: its output and the limits that a hostile template runs into. Work is counted in steps, an evaluated
/// expression or sixteen characters of text being one, so that neither loops nor doubling strings get far.
/// </summary>
internal sealed class TemplateRendering(DateTimeOffset date)
{
    public const int LongestText = 4 << 20;
    public const int LongestRange = 100_000;
    private const long MostSteps = 5_000_000;
    private const int MostDepth = 400;

    private StringBuilder output = new();
    private long steps;
    private int depth;

    public DateTimeOffset Date { get; } = date;

    /// <summary>The line of the template that is being rendered, for errors.</summary>
    public int Line { get; set; } = 1;

    public string Output => output.ToString();

    public void Write(string text)
    {
        Limit((long)output.Length + text.Length);
        Charge(text.Length / 16);
        output.Append(text);
    }

    /// <summary>Renders something apart from the output and returns its text.</summary>
    public string Capture(Action render)
    {
        var outer = output;
        output = new StringBuilder();
        render();
        var text = output.ToString();
        output = outer;
        return text;
    }

    /// <summary>Refuses a text that would be too long, before it is made.</summary>
    public static void Limit(long length)
    {
        if (length > LongestText)
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"a text grows longer than {LongestText} characters"));
    }

    /// <summary>Refuses a text that would be too long, and counts the work of making it.</summary>
    public void ChargeText(long length)
    {
        Limit(length);
        Charge(1 + length / 16);
    }

    public string Checked(string text)
    {
        ChargeText(text.Length);
        return text;
    }

    public void Charge(long work)
    {
        steps += work;
        if (steps > MostSteps)
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"rendering takes more than {MostSteps} steps"));
    }

    /// <summary>Counts a level of nesting; <see cref="Leave"/> ends it. An error ends the rendering, so it need not be undone then.</summary>
    public void Enter()
    {
        Charge(1);
        if (++depth > MostDepth)
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"values, expressions or macros are nested more than {MostDepth} deep"));
    }

    public void Leave() => depth--;
}

/// <summary>The variables of a block, over those of the blocks around it.</summary>
internal sealed class TemplateScope(TemplateScope? outer)
{
    private readonly Dictionary<string, object?> variables = new(StringComparer.Ordinal);

    public void Set(string name, object? value) => variables[name] = value;

    public bool TryGet(string name, out object? value)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope.variables.TryGetValue(name, out value))
                return true;
        }
        value = null;
        return false;
    }

    private TemplateScope? Outer { get; } = outer;
}
