namespace Hindsight.Scoring;

/// <summary>How different a checkpoint's sampled answers to one problem are, over all scored problems.</summary>
/// <param name="UniqueAnswers">Mean share of different answers among those that gave one; falls with the number of samples, so compare at equal n. A problem without answers counts as 0.</param>
/// <param name="ModalShare">Mean share of samples that carry the problem's most frequent answer, right or wrong; no answer is not one.</param>
/// <param name="Entropy">Mean entropy of the answers that were given, in nats (plug-in: too small for few samples).</param>
/// <param name="NoAnswer">Share of samples without an answer.</param>
/// <param name="RateHistogram">Problems by pass rate in ten equal bins, the last one closed on the right.</param>
/// <param name="AllWrong">Share of problems that no sample solves.</param>
/// <param name="AllRight">Share of problems that every sample solves.</param>
/// <param name="PassRates">Mean, variance and the bound on Pass@k; null with one sample per problem.</param>
/// <param name="Duplicates">Samples with the same text; null where texts are not known.</param>
public sealed record DiversityScores(
    Estimate UniqueAnswers, Estimate ModalShare, double Entropy, double NoAnswer,
    IReadOnlyList<int> RateHistogram, double AllWrong, double AllRight, BiasVariance? PassRates, DuplicateSamples? Duplicates)
{
    private const int Bins = 10;

    /// <param name="problems">The scored problems, with samples at the checkpoint.</param>
    /// <param name="checkpoint">Index into the trajectory.</param>
    /// <param name="means">Their clusters.</param>
    internal static DiversityScores Of(IReadOnlyList<ScoredProblem> problems, int checkpoint, ClusteredMean means)
    {
        var counts = problems.Select(problem => (Drawn: problem.Drawn[checkpoint], Correct: problem.Correct[checkpoint])).ToList();
        var (unique, modal, entropy, none) = (new double[counts.Count], new double[counts.Count], 0.0, 0.0);
        for (var i = 0; i < counts.Count; i++)
        {
            var classes = problems[i].Classes;
            int different = 0, most = 0, given = 0;
            for (var c = 0; c < classes.Counts.Length; c++)
            {
                if (c != classes.NoAnswer && classes.Counts[c][checkpoint] is > 0 and var count)
                {
                    different++;
                    given += count;
                    most = Math.Max(most, count);
                }
            }

            for (var c = 0; c < classes.Counts.Length; c++)
            {
                if (c != classes.NoAnswer && classes.Counts[c][checkpoint] is > 0 and var count)
                {
                    entropy -= count / (double)given * Math.Log(count / (double)given);
                }
            }

            unique[i] = given == 0 ? 0 : different / (double)given;
            modal[i] = most / (double)counts[i].Drawn;
            none += 1 - (given / (double)counts[i].Drawn);
        }

        var histogram = new int[Bins];
        foreach (var (drawn, correct) in counts)
        {
            histogram[Math.Min(Bins - 1, correct * Bins / drawn)]++;
        }

        var least = counts.Min(count => count.Drawn);
        return new(
            means.Share(unique), means.Share(modal), entropy / counts.Count, none / counts.Count, histogram,
            counts.Count(count => count.Correct == 0) / (double)counts.Count,
            counts.Count(count => count.Correct == count.Drawn) / (double)counts.Count,
            least < 2 ? null : BiasVariance.Of(counts, Budgets(least)),
            DuplicateSamples.Of([.. problems.Select(problem => problem.Trajectory[checkpoint].Sampled)]));
    }

    private static IEnumerable<int> Budgets(int most)
    {
        for (var k = 2; k <= most && k > 0; k *= 2)
        {
            yield return k;
        }
    }
}
