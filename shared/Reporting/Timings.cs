namespace Hindsight.Reporting;

/// <summary>What was measured while the evaluation ran. It differs from run to run and is printed in one marked block of the page.</summary>
/// <param name="Date">When the report was written.</param>
/// <param name="Stages">Device time by stage, in order.</param>
/// <param name="Tokens">Tokens drawn.</param>
/// <param name="TokensPerSecond">Tokens drawn per second of generation.</param>
public sealed record Timings(DateTimeOffset Date, IReadOnlyList<StageTime> Stages, long Tokens, double TokensPerSecond)
{
    /// <summary>Answers of this evaluation that no time was measured of: drawn for an earlier one, or by a worker that stopped.</summary>
    public int Unmeasured { get; init; }

    /// <summary>Device time by method, of those at equal budget; without those of which nothing was drawn for this evaluation.</summary>
    public IReadOnlyList<MethodTime> Methods { get; init; } = [];

    /// <summary>What an hour of a device costs, in the currency of whoever asked; null where nobody said.</summary>
    public double? PricePerDeviceHour { get; init; }
}

/// <summary>Device time of one stage, all devices together.</summary>
public sealed record StageTime(string Stage, double Seconds);

/// <summary>Device time that a method takes for a problem on the average: its tokens, at the pace at which its shards drew and read.</summary>
/// <param name="Method">Its <see cref="Hindsight.Scoring.BudgetMethod.Name"/>.</param>
/// <param name="Seconds">Answers of others in the same batch not counted.</param>
public sealed record MethodTime(string Method, double Seconds);
