using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Scoring.Tests;

/// <summary>Builds small evaluations: a sample is its answer's text, correct when the text is "right"; "" means no answer.</summary>
internal static class Answers
{
    public static GradedAnswer Graded(string text, int sample = 0) => text switch
    {
        "right" => new(sample, text, Verdict.Correct, 10),
        "" => new(sample, null, Verdict.NoAnswer, 20),
        "cut" => new(sample, null, Verdict.Truncated, 30),
        _ => new(sample, text, Verdict.Wrong, 10),
    };

    public static ProblemAnswers Problem(string? greedy, params string[] samples) =>
        new(greedy is null ? null : Graded(greedy), [.. samples.Select(Graded)]);

    /// <summary>n samples, c of them right, the others wrong in three ways.</summary>
    public static ProblemAnswers Counted(int n, int c) =>
        Problem(null, [.. Enumerable.Range(0, n).Select(s => s < c ? "right" : $"wrong {s % 3}")]);

    public static VariantAnswers Variant(string name, params ProblemAnswers[] problems) => new(name, null, problems);

    public static EvaluationAnswers Evaluation(int samples, params VariantAnswers[] trajectory)
    {
        var ids = Enumerable.Range(1, trajectory[0].Problems.Count).Select(i => $"p{i}").ToList();
        return new()
        {
            ProblemIds = ids, Clusters = ids, Trajectory = trajectory, SamplesPerProblem = samples, SelectShare = 0.5, Seed = 1,
        };
    }

    /// <summary>Random evaluations: up to 4 checkpoints, 6 problems and 6 samples of few different answers, with greedy answers.</summary>
    public static Gen<EvaluationAnswers> Random { get; } =
        from checkpoints in Gen.Choose(1, 4)
        from problems in Gen.Choose(1, 6)
        from samples in Gen.Choose(1, 6)
        from variants in Gen.ArrayOf(Variants(problems, samples), checkpoints)
        select Evaluation(samples, [.. variants.Select((variant, j) => variant with { Name = $"checkpoint-{j + 1}" })]);

    private static Gen<VariantAnswers> Variants(int problems, int samples) =>
        from answers in Gen.ArrayOf(
            from greedy in Text
            from sampled in Gen.ArrayOf(Text, samples)
            select Problem(greedy, sampled),
            problems)
        select Variant("", answers);

    private static Gen<string> Text => Gen.Elements("right", "right", "a", "b", "", "cut");

    /// <summary>Checks a property on 30 random evaluations, the same ones in every run.</summary>
    public static void ForAll(Action<EvaluationAnswers> holds) =>
        Prop.ForAll(Random.ToArbitrary(), holds).Check(Config.QuickThrowOnFailure.WithMaxTest(30).WithReplay(20260101, 1));
}
