using Hindsight.Scoring;

namespace Hindsight.Reporting.Sections;

/// <summary>How the numbers were made: estimators, intervals, quotas and rules for ties, as far as this report uses them.</summary>
internal static class Methods
{
    public static Section Write(ReportData data)
    {
        var scores = data.Scores;
        var notes = new List<Block>
        {
            new Paragraph($"Intervals are 95\u00a0% intervals and answer “how would this come out on new problems of this kind?”, unless they say otherwise: the problem is the unit, or the cluster of problems that share a source. Re-run noise answers another question, “how well are the scores on these very problems known?”."),
        };
        if (scores.Methods.Count > 0)
        {
            notes.Add(new Table(
                [$"Score", $"Estimator", $"Interval", $"What it covers"],
                [.. scores.Methods.Select(method => (IReadOnlyList<Prose>)[$"{method.Score}", Parts(method.Estimator), Parts(method.Interval), Parts(method.Covers)])],
                TextColumns: 4));
        }
        if (data.Extractions.Count > 0)
        {
            notes.Add(new Paragraph($"Reading answers. A mark of the writer goes before a guess: the last box, else what follows the last “####”, else what follows the last “answer is”, as far as the problem’s grader knows them; else the answer is guessed from its place, as a letter that stands alone, the last formula or the last number. Every rule is tried on every text; two marks agree when the grader takes their answers for equal. A whole text that is nothing but an answer is neither marked nor guessed."));
        }
        if (scores.PassAtK.Count > 0)
        {
            notes.Add(new Paragraph($"Pass@k and Pass@k|t. With n answers of which c are right, Pass@k is 1 − C(n−c, k) / C(n, k) per problem, then the mean. For t checkpoints the k answers are shared out in equal parts, the remainder going to the newest, and the chance that all are wrong is the product of C(n−c, k) / C(n, k) over the checkpoints, each with its own part of k. A k that would need more answers than were drawn has no point."));
        }
        if (scores.MajAtK.Count > 0)
        {
            notes.Add(new Paragraph($"Maj@k|t. The same shares of k; equal answers vote together, answers from which nothing could be read form one class that is wrong, and classes that tie share the win evenly. The score is the expectation over all ways to draw the k answers. Where a Monte Carlo error is given, that is the standard error of a Monte Carlo estimate; elsewhere the value is exact."));
        }
        if (scores.Forgetting is not null || scores.SampledForgetting is not null)
        {
            notes.Add(new Paragraph($"Forgetting. The scores over greedy answers follow arXiv 2505.20196. “Solved at some checkpoint” is a maximum over several tries and grows with their number even when nothing changes; the null lets every checkpoint have the problem’s pooled pass rate, and the excess over it is paired by problem."));
        }
        if (scores.EarlyWeights is not null)
        {
            notes.Add(new Paragraph($"Early weight. Problems are split once, by cluster and seed, before anything is scored. The weight with the best Pass@1 on the select split is chosen, the smaller one at a tie; what is reported comes from the other problems, paired by problem."));
        }
        if (data.AdaptersTogether.Count > 0)
        {
            notes.Add(new Paragraph($"Adapters. The answers of {Number.Count(data.AdaptersTogether.Count, "adapter", "adapters")} were drawn in one batch over one base, as low-rank updates beside its weights, which equals weights with the adapter merged into them up to float rounding. An interpolation of two adapters is the mean of their updates, not of their factors."));
        }
        if (data.AdaptersMerged.Count > 0)
        {
            notes.Add(new Paragraph($"Merged adapters. {string.Join(", ", data.AdaptersMerged)} changed more than linear maps (biases, embeddings or whole modules) and so was drawn from weights with the adapter merged into them."));
        }
        if (data.IsInt8)
        {
            notes.Add(new Paragraph($"Precision. Linear maps were computed in 8-bit integers: weights with one scale for each output, inputs with one scale for each row. All else is float32. The answers are those of a slightly different model and are kept apart from float32 ones."));
        }
        foreach (var device in data.Devices)
        {
            notes.Add(new Paragraph(device.IsBatchInvariant
                ? (Prose)$"Device. On {device.Name} an answer cannot differ with its neighbours in a batch: on one device and build, the same request has the same answer bit for bit."
                : $"Device. On {device.Name} an answer may differ with its neighbours in a batch: another number of rows is summed in another order, and a token of nearly the same probability can come out in its place. Answers that are stored stay; drawn anew, some would be others."));
        }
        if (scores.Comparisons.Count > 0)
        {
            notes.Add(new Paragraph($"Outcomes. NO DIFFERENCE: two one-sided tests at 5\u00a0% show that the difference is smaller than the declared margin. GAIN and LOSS: the 95\u00a0% interval, corrected for the family, leaves zero out. INCONCLUSIVE: neither a difference nor its absence is shown. “Detectable” is the true difference that one comparison alone, uncorrected, would find four times in five. Families and their members were declared before there were scores; different families are not corrected for one another."));
        }
        notes.Add(new Paragraph($"Everything here can be computed again from scores.json and the stored answers."));
        return new("methods", "How the numbers were made", notes);
    }

    // Part by part, because a long line of text from outside is cut.
    private static Prose Parts(string text) => Prose.Join("; ", text.Split("; ").Select(part => (Prose)$"{part}"));
}
