using Hindsight.Reporting;
using Hindsight.Scoring;

namespace Hindsight.Workflow;

/// <summary>Device time of an evaluation, as its finished shards measured it.</summary>
internal static class DeviceTimes
{
    /// <param name="evaluation">The evaluation.</param>
    /// <param name="answers">How many answers it rests on.</param>
    /// <param name="budget">Its methods at equal budget.</param>
    /// <param name="progress">Its stages, finished.</param>
    /// <param name="date">Now.</param>
    public static Timings Of(
        Evaluation evaluation, int answers, BudgetScores? budget, IReadOnlyDictionary<Stage, StageProgress> progress, DateTimeOffset date)
    {
        var drawing = progress.Where(stage => stage.Key != Stage.Rewards).SelectMany(stage => stage.Value.Done.Values).ToList();
        var (tokens, seconds) = (drawing.Sum(done => done.Tokens), drawing.Sum(done => done.Seconds));
        var mixed = evaluation.Stages.Contains(Stage.Particles) ? evaluation.Variants(Stage.Particles).Count(variant => variant.Method?.IsMixture == true) : 0;
        return new Timings(
            date, [.. progress.OrderBy(stage => stage.Key).Select(stage => new StageTime(stage.Key.ToString(), stage.Value.Done.Values.Sum(done => done.Seconds)))],
            tokens, seconds > 0 ? tokens / seconds : 0)
        {
            Unmeasured = Math.Max(0, answers - drawing.Sum(done => done.Answers)),
            Methods = [.. (budget?.Methods ?? []).Select(method => (method.Name, Seconds: Seconds(method)))
                .Where(method => method.Seconds is not null).Select(method => new MethodTime(method.Name, method.Seconds!.Value))],
            PricePerDeviceHour = evaluation.Spec.PricePerDeviceHour,
        };

        double? Seconds(BudgetMethod method) => method.Source switch
        {
            BudgetSource.Checkpoints => Plain() * method.DrawnTokens + (method.RewardTokens == 0 ? 0 : PerToken(Stage.Rewards) * method.RewardTokens),
            BudgetSource.Interpolations => (PerToken(Stage.Interpolation) ?? Plain()) * method.DrawnTokens,
            // With what the reward model took beside it.
            _ => PerToken(Stage.Particles, variant => variant.Method is { } of && GradedPopulations.NameOf(of, mixed) == method.Name) * method.DrawnTokens,
        };

        double? Plain() => PerToken(Stage.Trajectory) ?? PerToken(Stage.Particles, variant => variant.Method is null);

        // Null where all of it was drawn for another evaluation.
        double? PerToken(Stage stage, Func<Variant, bool>? isOf = null)
        {
            if (!progress.TryGetValue(stage, out var shards) || shards.Plan is not { } plan)
            {
                return null;
            }

            var variants = evaluation.Variants(stage);
            var done = shards.Done.Where(shard => isOf is null || isOf(variants[plan.Shards[shard.Key].Wanted[0].Variant])).Select(shard => shard.Value).ToList();
            return done.Sum(shard => shard.Tokens) is > 0 and var tokens ? done.Sum(shard => shard.Seconds) / tokens : null;
        }
    }
}
