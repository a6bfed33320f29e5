namespace Hindsight.Scoring;

/// <summary>How a score is made.</summary>
/// <param name="Score">The name of the score, as in <see cref="EvaluationScores"/>.</param>
/// <param name="Estimator">Its estimator, with the rules for ties and for what is missing.</param>
/// <param name="Interval">How the interval is made.</param>
/// <param name="Covers">The question that the interval answers.</param>
public sealed record ScoreMethod(string Score, string Estimator, string Interval, string Covers)
{
    private const string Population = "Student-t over clusters of problems with the cluster-robust standard error, 95 %; where all clusters agree, the rule of three";
    private const string NewProblems = "new problems of this kind, with the samples drawn as here";
    private const string Quotas = "k is shared round robin over the t newest checkpoints, the remainder to the newest";

    /// <summary>The methods of the scores that are there.</summary>
    internal static IReadOnlyList<ScoreMethod> Of(EvaluationScores scores)
    {
        var methods = new List<ScoreMethod>();
        Add(
            scores.Trajectory.Any(checkpoint => checkpoint.PassAt1 is not null), "Pass@1",
            "share of correct samples by problem, then the mean", Population, NewProblems);
        Add(
            scores.Trajectory.Any(checkpoint => checkpoint.Greedy is not null), "greedy",
            "share of problems whose answer at temperature 0 is correct", Population, NewProblems);
        Add(
            scores.Trajectory.Any(checkpoint => checkpoint.ChanceCorrected is not null), "above guessing",
            "(a − 1/m) / (1 − 1/m) by problem with m options and accuracy a, then the mean over the problems that declare their options", Population, NewProblems);
        Add(
            scores.PassAtK.Count > 0, "Pass@k|t", $"1 − ∏ C(n−c, kⱼ)/C(n, kⱼ) over the checkpoints, unbiased and exact; {Quotas}", Population, NewProblems);
        Add(
            scores.MajAtK.Count > 0, "Maj@k|t",
            $"expectation over all ways to draw k answers, exact where no Monte Carlo error is given; {Quotas}; no answer is one class and wrong; ties share the win evenly",
            Population, NewProblems);
        Add(
            scores.BestOfN.Count > 0, "BoN@k|t",
            $"chance that the answer of highest reward is correct, exact; {Quotas}; ties share the win evenly; answers without reward come last",
            Population, NewProblems);
        Add(
            scores.WeightedMajority.Count > 0, "weighted Maj@k|t",
            $"as Maj@k|t, each vote weighing its reward, no reward weighing 0; {Quotas}", Population, NewProblems);
        Add(
            scores.Budget is not null, "accuracy at a budget",
            "share of report problems whose final choice is correct, and the mean tokens of one problem; best-of-N: the highest score, samples: as Maj@k|t, particle methods and searches as declared; no answer is one class and wrong, ties share the win evenly; weights that are all zero are no answer; an answer drawn by weight: the share of weight on correct answers",
            Population, NewProblems);
        Add(
            scores.Budget is not null, "equal budget",
            "paired difference of two answers to each problem: the method's, from its first samples or its population, and the majority of the first k plain samples; k is the least number of samples whose tokens on the mean are no fewer than the method's; where fewer were drawn there is no comparison; tokens are counted twice over: those drawn, and those drawn with those that the reward model reads; a method that lacks a tenth of the problems is left out; the allocation of each method is chosen on the select split; with random numbers used again, particles begin as the plain samples do (common random numbers), which the pairing takes into account",
            $"{Population}; together: max-t over all methods and both ways to count", "the difference on new problems of this kind, allocation and k being what they are");
        Add(
            scores.PassAtK.Count > 0, "re-run", "of Pass@1 and Pass@k|t",
            "normal, 95 %; binomial variance of every checkpoint's factor at the observed rates; without spread, the rule of three over all samples",
            "these very problems, had their samples been drawn without end: nothing about other problems");
        Add(
            scores.MajAtK.Count > 0, "re-run of a choice", scores.BestOfN.Count > 0 ? "of Maj@k|t and BoN@k|t" : "of Maj@k|t",
            "normal, 95 %; variance from answers redrawn among those seen at each checkpoint; raised by what redrawing a redrawing loses (iterated bootstrap); without spread, the rule of three over all samples",
            "these very problems, had they been drawn again with other seeds: nothing about other problems");
        Add(
            scores.PassAtK.Count > 0, "band", "of Pass@1 over the trajectory and of each curve over k",
            "largest |t| over the points of the curve by Gaussian multipliers (5,000 fixed draws), 95 %",
            "the whole curve at once, for new problems of this kind");
        Add(
            scores.Forgetting is not null, "forgetting", "greedy answers (arXiv 2505.20196)", Population, NewProblems);
        Add(
            scores.Forgetting?.Null is not null, "greedy forgetting beside its null",
            "P_TFS minus its mean over all orders of a problem's greedy verdicts; that is (T − c)/T for a problem solved at c > 0 of T checkpoints; p by 999 permutations of each problem's verdicts among the checkpoints, one-sided",
            Population, "the excess on new problems of this kind, one greedy answer each; a verdict has no sampling noise, but may flip with any small change of the weights");
        Add(
            scores.ForgettingNull is not null, "sampled forgetting beside its null",
            "one sampled answer from each checkpoint: the chance of being solved at some earlier checkpoint and wrong at the last; minus that chance had every checkpoint the problem's pooled pass rate, both unbiased; p by 999 permutations of a problem's answers among its checkpoints, one-sided",
            Population, "the excess on new problems of this kind, with the samples drawn as here");
        Add(
            scores.Retention.Count > 0, "retention", "Σ right at both / Σ right before, over pairs of checkpoints so far apart", Population, NewProblems);
        Add(
            scores.Contamination is not null, "training text",
            "a problem is flagged when its text, its words in a row, or one n-gram of 13 words (8 in shorter problems) occurs in the training text; the score is over the problems that are not flagged",
            Population, "new problems of this kind that are as well known from training");
        Add(
            scores.Comparisons.Count + scores.Selections.Count > 0 || scores.EarlyWeights is not null, "comparison",
            "mean paired difference; p by flipping signs of clusters, corrected by the largest statistic of the family",
            $"{Population}; together: max-t over the family", "the difference on new problems of this kind");
        Add(
            scores.Selections.Count > 0 || scores.EarlyWeights is not null || scores.Budget?.Choices.Count > 0, "selection",
            "chosen by the mean on the select split of clusters; claimed on the report split; winner's curse: expected largest error of the candidates' select means, were all equally good",
            Population, "the chosen one on new problems, the choice being made");
        return methods;

        void Add(bool there, string score, string estimator, string interval, string covers)
        {
            if (there)
            {
                methods.Add(new(score, estimator, interval, covers));
            }
        }
    }
}
