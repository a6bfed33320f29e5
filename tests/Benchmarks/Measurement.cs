using System.Globalization;

namespace Hindsight.Benchmarks;

/// <summary>How long one contender took in each round of a run.</summary>
/// <param name="Name">The contender.</param>
/// <param name="Seconds">One entry a round, in order.</param>
internal sealed record Measurement(string Name, IReadOnlyList<double> Seconds)
{
    public double Median => MedianOf(Seconds);

    /// <summary>
    /// Runs all contenders in turn, round after round, so that what else the machine does meets them alike. The rounds before the first
    /// counted one warm caches and the compiler.
    /// </summary>
    public static IReadOnlyList<Measurement> Interleave(
        TimeProvider clock, int rounds, int warmUps, params IReadOnlyList<(string Name, Action Run)> contenders) =>
        Interleave(clock, rounds, warmUps, [.. contenders.Select(contender => (contender.Name, (Action<int>)(_ => contender.Run())))]);

    /// <summary>Contenders that are told the number of the round, from 0; those that warm up have negative ones.</summary>
    public static IReadOnlyList<Measurement> Interleave(
        TimeProvider clock, int rounds, int warmUps, IReadOnlyList<(string Name, Action<int> Run)> contenders)
    {
        var seconds = contenders.Select(_ => new List<double>()).ToArray();
        for (var round = -warmUps; round < rounds; round++)
        {
            for (var index = 0; index < contenders.Count; index++)
            {
                var start = clock.GetTimestamp();
                contenders[index].Run(round);
                var taken = clock.GetElapsedTime(start).TotalSeconds;
                if (round >= 0)
                {
                    seconds[index].Add(taken);
                }

                // A run takes minutes: whoever waits sees how far it is.
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round + 1} of {rounds}: {contenders[index].Name} {taken:F2} s"));
            }
        }

        return [.. contenders.Select((contender, index) => new Measurement(contender.Name, seconds[index]))];
    }

    /// <summary>
    /// How many times as fast this is as <paramref name="other"/>: the median over the rounds of the two times of one round, in which
    /// the machine's load was most alike.
    /// </summary>
    public double SpeedAgainst(Measurement other) => MedianOf([.. other.Seconds.Zip(Seconds, (theirs, ours) => theirs / ours)]);

    private static double MedianOf(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
