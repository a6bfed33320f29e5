using System.Globalization;

namespace Hindsight.Scoring;

/// <summary>
/// Methods at equal budget: each against the majority of as many plain samples as its tokens buy. Allocations of a method are chosen on the
/// select split; all that is claimed is of the report split, paired by problem.
/// </summary>
/// <remarks>
/// What is compared are answers: one of the method's, and one of self-consistency, for each problem. The mean over all ways to draw the
/// baseline's samples would vary less, but against a method that answers once its differences are skewed where most problems are easy, or
/// most are hard: many small ones of one sign and few large ones of the other, for which neither Student's t nor sign flips hold. The
/// difference of two answers is −1, 0 or 1 (ties are settled by a draw), and symmetric where neither is better, so that the sign flips are
/// exact there; GAIN and LOSS need their consent beside the interval's.
/// </remarks>
internal static class BudgetComparison
{
    private const int MostShown = 60;

    /// <summary>So much more than a whole sample is rounding.</summary>
    private const double Rounding = 1e-9;

    /// <summary>A method that lacks a larger share of the problems is left out, rather than the problems.</summary>
    private const double MostLacking = 0.1;

    /// <summary>The least share of problems to be compared: below it the methods that lack most are left out one by one.</summary>
    private const double LeastCompared = 0.8;

    /// <returns>Null without populations and rewards, and where either split has none of the problems that every method has.</returns>
    public static BudgetScores? Of(
        EvaluationAnswers answers, ScoredProblem[] problems, IReadOnlyList<int> indices, Curves curves,
        Curves.Family majority, Curves.Family best, Curves.Family weighted)
    {
        if (answers.Populations.Count == 0 && best.All.Count == 0)
        {
            return null;
        }

        var plainSamples = answers.MorePlain?.Problems.Max(problem => problem.Sampled.Count) ?? 0;
        List<Candidate> candidates =
        [
            .. plainSamples <= answers.SamplesPerProblem ? []
                : new[] { new Candidate(answers.MorePlain!, "more plain samples", i => answers.MorePlain!.Problems[i].Sampled.Count >= plainSamples) },
            .. BudgetMethods.Interpolations(answers, indices).Select(point => new Candidate(
                point, BudgetMethods.NameOf(point, answers.SamplesPerProblem), i => point.Answers.Problems[i].Sampled.Count >= answers.SamplesPerProblem)),
            .. answers.Populations.Select(method => new Candidate(method, method.Name, i => method.Problems[i] is not null)),
        ];
        var kept = MostlyThere(candidates, indices);
        var populations = kept.Select(candidate => candidate.Method).OfType<PopulationMethodAnswers>().ToList();
        int[] places = [.. Enumerable.Range(0, problems.Length).Where(p => kept.TrueForAll(candidate => candidate.Has(indices[p])))];
        // The split of all problems: a problem that is left out moves no other across, and the report split is looked at as elsewhere.
        var split = SelectSplit.Of(Array.ConvertAll(problems, problem => problem.Cluster), answers.SelectShare, answers.Seed);
        var inSelect = Array.ConvertAll(places, p => split[p]);
        int[] report = [.. Enumerable.Range(0, places.Length).Where(i => !inSelect[i])];
        if (report.Length == 0 || report.Length == places.Length)
        {
            return null;
        }

        string[] clusters = Array.ConvertAll(places, p => problems[p].Cluster);
        var means = new ClusteredMean(report.Select(i => clusters[i]));
        var methods = new BudgetMethods(
            answers, kept.Select(candidate => candidate.Method).OfType<VariantAnswers>().SingleOrDefault(), populations,
            [.. kept.Select(candidate => candidate.Method).OfType<InterpolationAnswers>()], problems, indices, places);
        var all = methods.All(majority, best, weighted).ToList();
        var choices = all.Where(method => method.Count > 1).ToDictionary(
            method => method,
            method => Selection.Of(
                (method[0].Family, "accuracy"), [.. method.Select(entry => (entry.Name, entry.Accuracy))], [0], methods.Tried(method),
                clusters, inSelect, answers.Margin, answers.Seed));
        var chosen = all.ConvertAll(method => choices.TryGetValue(method, out var choice) ? method[choice.Chosen] : method[0]);

        var contrasts = new List<Contrast>();
        var compared = new Dictionary<(BudgetEntry, int), int>();
        var rows = all.SelectMany(method => method).Select(entry => Row(entry)).ToList();
        return new(
            places.Length - report.Length, report.Length,
            SelectSplit.ReportId(Array.ConvertAll(problems, problem => problem.Id), split),
            [.. Enumerable.Range(0, problems.Length).Except(places).Select(p => problems[p].Id)],
            rows,
            [
                .. methods.Lines(curves.Budgets, majority, best, chosen).Select(line => new BudgetCurve(
                    line[0].Entry.Name,
                    [.. line.Select(at => new BudgetPoint(at.K, means.Share(Report(at.Entry.Accuracy)), Mean(at.Entry.Drawn)!.Value, Mean(at.Entry.Reward)))])),
            ],
            Consented(PairedComparison.Family("one answer against that of self-consistency with as many tokens", contrasts, means, answers.Margin, answers.Seed))
                with { Kind = FamilyKind.EqualBudget },
            [.. all.Where(choices.ContainsKey).Select(method => choices[method])],
            MostDifferent())
        {
            LeftOutMethods = [.. candidates.Except(kept).Select(candidate => new LeftOutMethod(candidate.Name, indices.Count(candidate.Has), indices.Count))],
            MostPlain = methods.MostPlain,
        };

        BudgetMethod Row(BudgetEntry entry)
        {
            var isChosen = chosen.Contains(entry);
            var (drawn, read) = (Mean(entry.Drawn)!.Value, Mean(entry.Reward));
            return new(entry.Name, entry.Family, isChosen, means.Share(Report(entry.Accuracy)), drawn, read)
            {
                Source = entry.Source,
                Choice = entry.Choice,
                SingleSteps = entry.SingleStep is { } single ? report.Count(i => single[i]) : 0,
                CutOff = Mean(entry.CutOff) ?? 0,
                DrawnByWeight = entry.DrawnByWeight is { } byWeight ? means.Share(Report(byWeight)) : null,
                WithoutAnswer = entry.HasAnswer is { } hasAnswer ? report.Count(i => !hasAnswer[i]) : 0,
                ByDrawnTokens = Against(drawn),
                ByAllTokens = Against(drawn + read),
            };

            EqualBudget? Against(double? tokens)
            {
                if (tokens is null || !isChosen || entry == chosen[0])
                {
                    return null;
                }

                var plain = Mean(methods.PlainTokens)!.Value;
                var k = plain > 0 ? (int)Math.Clamp(Math.Ceiling(tokens.Value / plain * (1 - Rounding)), 1, int.MaxValue) : 1;
                if (k > methods.MostPlain)
                {
                    return new(k, Comparison: null);
                }

                if (!compared.TryGetValue((entry, k), out var place))
                {
                    place = compared[(entry, k)] = contrasts.Count;
                    contrasts.Add(Contrast.Between(
                        entry.Name, Report(entry.Once), string.Create(CultureInfo.InvariantCulture, $"Maj@{k}"), Report(methods.Baseline(k))));
                }

                return new(k, place);
            }
        }

        double[] Report(double[] values) => Array.ConvertAll(report, i => values[i]);

        double? Mean(double[]? values) => values is null ? null : Report(values).Average();

        IReadOnlyList<string> MostDifferent() =>
        [
            .. Enumerable.Range(0, places.Length)
                .Where(i => populations.Exists(method => method.Problems[indices[places[i]]]!.Genealogy is not null))
                .Select(i => (Place: places[i], Spread: chosen.Average(entry => entry.Once[i] * entry.Once[i]) - Math.Pow(chosen.Average(entry => entry.Once[i]), 2)))
                .Where(problem => problem.Spread > Rounding)
                .OrderByDescending(problem => problem.Spread)
                .Take(MostShown).Select(problem => problems[problem.Place].Id),
        ];
    }

    /// <summary>The candidates that are compared: those that lack little, and leave enough problems together.</summary>
    private static List<Candidate> MostlyThere(List<Candidate> candidates, IReadOnlyList<int> indices)
    {
        var kept = candidates.Where(candidate => indices.Count(candidate.Has) >= Math.Max(1, (1 - MostLacking) * indices.Count)).ToList();
        while (indices.Count(i => kept.TrueForAll(candidate => candidate.Has(i))) < LeastCompared * indices.Count)
        {
            kept.Remove(kept.MinBy(candidate => indices.Count(candidate.Has))!);
        }

        return kept;
    }

    /// <summary>Few differing problems give an interval without zero sooner than the flips of their signs do, which are exact here.</summary>
    private static ComparisonFamily Consented(ComparisonFamily family) => family with
    {
        Members = [.. family.Members.Select(member =>
            member.Outcome is Outcome.Gain or Outcome.Loss && member.AdjustedPValue > 1 - ClusteredMean.Confidence ? member with { Outcome = Outcome.Inconclusive } : member)],
    };

    /// <summary>Answers that may lack problems.</summary>
    /// <param name="Method">Whose they are.</param>
    /// <param name="Name">What it is called where it is left out.</param>
    /// <param name="Has">Whether it has a problem, by the problem's place in the evaluation.</param>
    private sealed record Candidate(object Method, string Name, Func<int, bool> Has);
}
