namespace Hindsight.Reporting;

/// <summary>What was measured while the evaluation ran. It differs from run to run and is printed in one marked block of the page.</summary>
/// <param name="Date">When the report was written.</param>
/// <param name="Stages">Device time by stage, in order.</param>
/// <param name="Tokens">Tokens drawn.</param>
/// <param name="TokensPerSecond">Tokens drawn per second of generation.</param>
public sealed record Timings(DateTimeOffset Date, IReadOnlyList<StageTime> Stages, long Tokens, double TokensPerSecond)
{
    /// <summary>What an hour of a device costs, in the currency of whoever asked; null where nobody said.</summary>
    public double? PricePerDeviceHour { get; init; }
}

/// <summary>Device time of one stage, all devices together.</summary>
public sealed record StageTime(string Stage, double Seconds);
