namespace Hindsight.Generation.Tests;

/// <summary>
/// Everything that can happen to a filter on a toy, with its probability: all steps that can be drawn, and for resampling all intervals of
/// its uniform numbers within which nothing changes.
/// </summary>
internal static class Enumeration
{
    public static List<(double Probability, FilterResult Result, string[] Texts)> Of(Toy toy, ParticleOptions options, string? reference = null)
    {
        var leaves = new List<(double, FilterResult, string[])>();
        Follow(new PopulationState([]), [], [.. Enumerable.Repeat("", options.Particles)], 1);
        return leaves;

        void Follow(PopulationState state, Dictionary<(int Step, int Draw), double> script, string[] texts, double probability)
        {
            var filter = Scripted(script, []);
            state.Replay(filter);
            if (filter.IsFinished)
            {
                leaves.Add((probability, filter.Result, texts));
                return;
            }

            foreach (var (grown, share) in Steps(filter, texts, 0))
            {
                if (reference is not null)
                {
                    grown[0] = reference[..Math.Min(filter.Round + 1, reference.Length)];
                }

                var outcomes = grown.Select((text, slot) => filter.IsExtended(slot) ? toy.Outcome(text) : default).ToArray();
                foreach (var (branch, chance) in Branches(state, script, outcomes, grown))
                {
                    var after = state.Replay(Scripted(branch, []));
                    var ancestors = after.Advance(outcomes);
                    Follow(after.State, branch, [.. ancestors.Select(slot => grown[slot])], probability * share * chance);
                }
            }
        }

        ParticleFilter Scripted(Dictionary<(int Step, int Draw), double> script, HashSet<(int Step, int Draw)> unknown) => new(
            options,
            (step, draw) =>
            {
                if (script.TryGetValue((step, draw), out var number))
                {
                    return number;
                }

                unknown.Add((step, draw));
                return 0.5;
            },
            reference is null ? null : toy.Path(reference),
            firstEpoch: 0);

        IEnumerable<(string[] Texts, double Probability)> Steps(ParticleFilter filter, string[] texts, int slot)
        {
            if (slot == texts.Length)
            {
                return [([.. texts], 1)];
            }

            return from rest in Steps(filter, texts, slot + 1)
                   from step in filter.IsExtended(slot) ? toy.Next(texts[slot]).Select(next => (next.Step.ToString(), next.Probability)) : [("", 1)]
                   select (rest.Texts.Select((text, other) => other == slot ? text + step.Item1 : text).ToArray(), rest.Probability * step.Item2);
        }

        List<(Dictionary<(int Step, int Draw), double> Script, double Probability)> Branches(
            PopulationState state, Dictionary<(int Step, int Draw), double> script, StepOutcome[] outcomes, string[] texts)
        {
            var unknown = new HashSet<(int Step, int Draw)>();
            var probe = state.Replay(Scripted(script, unknown));
            probe.Advance(outcomes);
            if (unknown.Count == 0)
            {
                return [(script, 1)];
            }

            var intervals = Intervals(Probabilities(probe.Result.Steps[^1], texts), isConditional: reference is not null);
            List<(Dictionary<(int Step, int Draw), double> Script, double Probability)> scripts = [(script, 1)];
            foreach (var key in unknown)
            {
                scripts =
                [
                    .. from earlier in scripts
                       from interval in intervals
                       let number = (interval.From + interval.To) / 2
                       select (
                           new Dictionary<(int, int), double>(earlier.Script) { [key] = number },
                           earlier.Probability * (interval.To - interval.From)),
                ];
            }

            return
            [
                .. scripts
                    .GroupBy(branch => string.Join(' ', state.Replay(Scripted(branch.Script, [])).Advance(outcomes)))
                    .Select(group => (group.First().Script, group.Sum(branch => branch.Probability))),
            ];
        }

        double[] Probabilities(FilterStep step, string[] texts)
        {
            double[] weights =
            [
                .. from slot in Enumerable.Range(0, texts.Length)
                   let isFinished = toy.Outcome(texts[slot]).IsFinished
                   where !isFinished || options.Finished != FinishedParticles.Frozen
                   let guess = toy.LookAhead is null || isFinished ? 1 : toy.LookAhead(texts[slot])
                   select Math.Pow(Math.Exp(step.LogWeights[slot]) * guess, 1 / step.Temperature),
            ];
            return [.. weights.Select(weight => weight / weights.Sum())];
        }
    }

    /// <summary>Every point at which one of the schemes, conditional or not, may change its mind.</summary>
    private static List<(double From, double To)> Intervals(double[] weights, bool isConditional)
    {
        var count = weights.Length;
        var points = new List<double> { 0, 1 };
        double[] rest = [.. weights.Select(weight => (count * weight) - Math.Floor((count * weight) + 1e-12))];
        for (var i = 0; i < count; i++)
        {
            var cumulative = weights[..(i + 1)].Sum();
            points.Add(cumulative);
            points.Add(rest[..(i + 1)].Sum() / rest.Sum());
            for (var stratum = 0; stratum < count; stratum++)
            {
                var within = (count * cumulative) - stratum;
                points.Add(within);
                for (var other = 0; isConditional && other < count; other++)
                {
                    points.Add((other + within) / (count * weights[0]));
                    points.Add(other / (count * weights[0]));
                }
            }
        }

        points = [.. points.Where(point => point is >= 0 and <= 1).Order()];
        return [.. points.Zip(points.Skip(1)).Where(interval => interval.Second - interval.First > 1e-13)];
    }
}
