namespace Hindsight.Scoring;

/// <summary>
/// One of several candidates, chosen by its score on the select split; what is claimed for it comes from the report split, which had no say.
/// </summary>
/// <param name="Choice">What is chosen: <c>checkpoint</c>, <c>t</c>, <c>early weight</c>.</param>
/// <param name="Score">By which score, for example <c>Pass@1</c>.</param>
/// <param name="SelectProblems">Problems in the select split.</param>
/// <param name="ReportProblems">Problems in the report split.</param>
/// <param name="Tried">Configurations that were tried, those without a score included.</param>
/// <param name="Candidates">Those with a score.</param>
/// <param name="Chosen">Index of the candidate with the best score on the select split; at a tie the reference, else the first.</param>
/// <param name="Gains">On the report split: the chosen candidate against each of the references, the main one first. Empty where it is the main one itself.</param>
/// <param name="WinnersCurse">By how much the best of so many candidates would outdo its true score on the select split by luck, were all equally good:
/// the number that the chosen one's select score may be flattered by.</param>
public sealed record Selection(
    string Choice, string Score, int SelectProblems, int ReportProblems, int Tried,
    IReadOnlyList<Candidate> Candidates, int Chosen, ComparisonFamily Gains, double WinnersCurse)
{
    /// <summary>Means this close are tied: they differ by rounding alone.</summary>
    private const double Tie = 1e-12;

    /// <param name="choice">What is chosen, and by which score.</param>
    /// <param name="values">By candidate: name and the value of each problem.</param>
    /// <param name="references">Indices of the candidates that the chosen one must stand against, the main one first.</param>
    /// <param name="tried">Configurations that were tried.</param>
    /// <param name="clusters">By problem.</param>
    /// <param name="inSelect">By problem; both sides hold one.</param>
    /// <param name="margin">Differences smaller than this do not matter.</param>
    /// <param name="seed">Of the random draws.</param>
    internal static Selection Of(
        (string Choice, string Score) choice, IReadOnlyList<(string Name, double[] Values)> values, IReadOnlyList<int> references, int tried,
        IReadOnlyList<string> clusters, bool[] inSelect, double margin, ulong seed)
    {
        var select = values.Select(candidate => Side(candidate.Values, true)).ToList();
        var report = values.Select(candidate => Side(candidate.Values, false)).ToList();
        var selectMeans = new ClusteredMean(clusters.Where((_, i) => inSelect[i]));
        var reportMeans = new ClusteredMean(clusters.Where((_, i) => !inSelect[i]));
        var best = select.Max(side => side.Average()) - Tie;
        var chosen = select[references[0]].Average() >= best ? references[0] : select.FindIndex(side => side.Average() >= best);
        var rivals = chosen == references[0] ? [] : references.Where(reference => reference != chosen);
        return new(
            choice.Choice, choice.Score, inSelect.Count(side => side), inSelect.Count(side => !side), tried,
            [.. values.Select((candidate, c) => new Candidate(candidate.Name, select[c].Average(), reportMeans.Share(report[c])))],
            chosen,
            PairedComparison.Family(
                $"{choice.Score}: the chosen {choice.Choice} on problems that did not choose it",
                [.. rivals.Select(reference => Contrast.Between(values[chosen].Name, report[chosen], values[reference].Name, report[reference]))],
                reportMeans, margin, seed),
            Luck([.. select.Select(selectMeans.Sums)], seed));

        double[] Side(double[] all, bool side) => [.. all.Where((_, i) => inSelect[i] == side)];
    }

    /// <summary>The expected largest error of the candidates' means, their errors being jointly normal with the observed spread.</summary>
    internal static double Luck(IReadOnlyList<ClusterSums> candidates, ulong seed)
    {
        const int draws = 4000;
        var stream = RandomStream.For(seed, "winner's curse");
        var normal = new double[candidates[0].Influence.Length];
        var sum = 0.0;
        for (var draw = 0; draw < draws; draw++)
        {
            for (var g = 0; g < normal.Length; g++)
            {
                normal[g] = stream.NextNormal();
            }

            var largest = double.NegativeInfinity;
            foreach (var candidate in candidates)
            {
                var error = 0.0;
                for (var g = 0; g < normal.Length; g++)
                {
                    error += candidate.Influence[g] * normal[g];
                }

                largest = Math.Max(largest, error);
            }

            sum += largest;
        }

        return candidates.Count == 1 ? 0 : Math.Max(0, sum / draws);
    }
}

/// <summary>One that could be chosen.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Select">Its mean on the select split: it chose, and claims nothing.</param>
/// <param name="Report">Its mean on the report split.</param>
public sealed record Candidate(string Name, double Select, Estimate Report);
