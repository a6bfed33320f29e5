using System.Text.RegularExpressions;

namespace Hindsight.Workflow;

/// <summary>Names of runs, checkpoints, files and suites come from outside: one allow-list for all of them, the same on every system.</summary>
public static partial class Names
{
    /// <summary>Whether a name is safe as one segment of a path.</summary>
    public static bool IsSafe(string name) => Allowed().IsMatch(name) && !name.EndsWith('.');

    /// <summary>The name, or an error that says what is allowed.</summary>
    /// <exception cref="InvalidDataException">The name is not safe.</exception>
    public static string Require(string name, string what) => IsSafe(name)
        ? name
        : throw new InvalidDataException(
            $"The {what} name '{name}' is not allowed: use up to 128 letters, digits, '.', '_', '-', '+' or '=', starting with a letter or digit.");

    /// <summary>The training step a checkpoint's folder name tells: the number it ends in (checkpoint-500, step_20, global_step7).</summary>
    public static long? Step(string checkpoint) =>
        TrailingNumber().Match(checkpoint) is { Success: true } match && long.TryParse(match.Groups[1].ValueSpan, out var step) ? step : null;

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._+=-]{0,127}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Allowed();

    [GeneratedRegex(@"(?:^|[^0-9])([0-9]{1,18})\z", RegexOptions.CultureInvariant)]
    private static partial Regex TrailingNumber();
}
