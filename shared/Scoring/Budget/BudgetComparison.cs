using System.Globalization;

namespace Hindsight.Scoring;

/// <summary>
/// Methods at equal budget: each against the majority of as many plain samples as its tokens buy. Allocations of a method are chosen on the
/// select split; all that is claimed is of the report split, paired by problem.
/// </summary>
internal static class BudgetComparison
{
    private const int MostShown = 60;

    /// <summary>So much more than the method's tokens is rounding.</summary>
    private const double Rounding = 1e-9;

    /// <returns>Null without populations and rewards, and where the problems that every method has are not two clusters.</returns>
    public static BudgetScores? Of(
        EvaluationAnswers answers, ScoredProblem[] problems, IReadOnlyList<int> indices, Curves curves,
        Curves.Family majority, Curves.Family best, Curves.Family weighted)
    {
        var populations = answers.Populations.Where(method => BudgetMethods.IsThere(method, indices)).ToList();
        if (populations.Count == 0 && best.All.Count == 0)
        {
            return null;
        }

        var mixtures = BudgetMethods.Interpolations(answers, indices);
        int[] places =
        [
            .. Enumerable.Range(0, problems.Length).Where(p =>
                populations.TrueForAll(method => method.Problems[indices[p]] is not null)
                && mixtures.All(point => point.Answers.Problems[indices[p]].Sampled.Count >= answers.SamplesPerProblem)),
        ];
        string[] clusters = Array.ConvertAll(places, p => problems[p].Cluster);
        if (clusters.Distinct(StringComparer.Ordinal).Count() < 2)
        {
            return null;
        }

        var inSelect = SelectSplit.Of(clusters, answers.SelectShare, answers.Seed);
        int[] report = [.. Enumerable.Range(0, places.Length).Where(i => !inSelect[i])];
        var means = new ClusteredMean(report.Select(i => clusters[i]));
        var methods = new BudgetMethods(answers, problems, indices, places);
        var all = methods.All(majority, best, weighted).ToList();
        var choices = all.Where(method => method.Count > 1).ToDictionary(
            method => method,
            method => Selection.Of(
                (method[0].Family, "accuracy"), [.. method.Select(entry => (entry.Name, entry.Accuracy))], [0], methods.Tried(method),
                clusters, inSelect, answers.Margin, answers.Seed));
        var chosen = all.ConvertAll(method => choices.TryGetValue(method, out var choice) ? method[choice.Chosen] : method[0]);

        var baselines = new Dictionary<int, double[]>();
        var contrasts = new List<Contrast>();
        var compared = new Dictionary<(BudgetEntry, int), int>();
        var rows = all.SelectMany(method => method).Select(entry => Row(entry)).ToList();
        return new(
            places.Length - report.Length, report.Length,
            SelectSplit.ReportId(Array.ConvertAll(places, p => problems[p].Id), inSelect),
            [.. Enumerable.Range(0, problems.Length).Except(places).Select(p => problems[p].Id)],
            answers.SamplesPerProblem,
            rows,
            [
                .. methods.Lines(curves.Budgets, majority, best, chosen).Select(line => new BudgetCurve(
                    line[0].Entry.Name,
                    [.. line.Select(at => new BudgetPoint(at.K, means.Share(Report(at.Entry.Accuracy)), Mean(at.Entry.Drawn)!.Value, Mean(at.Entry.Reward)))])),
            ],
            PairedComparison.Family("accuracy against self-consistency with as many tokens", contrasts, means, answers.Margin, answers.Seed)
                with { Kind = FamilyKind.EqualBudget },
            [.. all.Where(choices.ContainsKey).Select(method => choices[method])],
            MostDifferent());

        BudgetMethod Row(BudgetEntry entry)
        {
            var isChosen = chosen.Contains(entry);
            var (drawn, read) = (Mean(entry.Drawn)!.Value, Mean(entry.Reward));
            return new(entry.Name, entry.Family, isChosen, means.Share(Report(entry.Accuracy)), drawn, read)
            {
                Source = entry.Source,
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
                var affordable = plain > 0 ? (int)Math.Min(int.MaxValue, Math.Floor(tokens.Value / plain * (1 + Rounding))) : 0;
                var k = Math.Clamp(affordable, 1, answers.SamplesPerProblem);
                if (!compared.TryGetValue((entry, k), out var place))
                {
                    place = compared[(entry, k)] = contrasts.Count;
                    contrasts.Add(Contrast.Between(
                        entry.Name, Report(entry.Accuracy), string.Create(CultureInfo.InvariantCulture, $"Maj@{k}"), [.. report.Select(i => Baseline(k)[places[i]])]));
                }

                return new(k, affordable, place);
            }
        }

        // By problem, of all that are scored.
        double[] Baseline(int k)
        {
            if (!baselines.TryGetValue(k, out var values))
            {
                var place = curves.Budgets.ToList().IndexOf(k);
                values = baselines[k] = place >= 0 ? majority.ByProblem[0].Values[place] : curves.FinalMajority(k);
            }

            return values;
        }

        double[] Report(double[] values) => Array.ConvertAll(report, i => values[i]);

        double? Mean(double[]? values) => values is null ? null : Report(values).Average();

        IReadOnlyList<string> MostDifferent() =>
        [
            .. Enumerable.Range(0, places.Length)
                .Where(i => populations.Exists(method => method.Problems[indices[places[i]]]!.Genealogy is not null))
                .OrderByDescending(i => chosen.Average(entry => entry.Accuracy[i] * entry.Accuracy[i]) - Math.Pow(chosen.Average(entry => entry.Accuracy[i]), 2))
                .Take(MostShown).Select(i => problems[places[i]].Id),
        ];
    }
}
