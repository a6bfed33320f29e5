using System.Runtime.InteropServices;

namespace Hindsight.Scoring;

/// <summary>
/// The sampled answers of one problem by class: equal normalised answers are one class, and "no answer" is one class. A class is correct
/// when an answer of it was judged correct anywhere on the trajectory; no answer never is. Classes are sorted, so that neither the order
/// of samples nor that of the runtime's hashing shows in a simulated value.
/// </summary>
/// <param name="Counts">[class][checkpoint], in training order.</param>
/// <param name="Correct">By class.</param>
/// <param name="NoAnswer">The index of the class "no answer", −1 where there is none.</param>
/// <param name="Classes">[checkpoint][sample], the class of each sample.</param>
internal sealed record AnswerClasses(int[][] Counts, bool[] Correct, int NoAnswer, int[][] Classes)
{
    public static AnswerClasses Of(IReadOnlyList<ProblemAnswers> trajectory)
    {
        // A dictionary has no null key; no answer gets a class of its own.
        var byText = new Dictionary<string, int>(StringComparer.Ordinal);
        var (texts, correct, none) = (new List<string?>(), new List<bool>(), -1);
        var classes = new int[trajectory.Count][];
        for (var j = 0; j < classes.Length; j++)
        {
            var sampled = trajectory[j].Sampled;
            classes[j] = new int[sampled.Count];
            for (var s = 0; s < sampled.Count; s++)
            {
                var answer = sampled[s];
                var found = answer.Answer is null ? none : byText.GetValueOrDefault(answer.Answer, -1);
                if (found < 0)
                {
                    found = texts.Count;
                    texts.Add(answer.Answer);
                    correct.Add(false);
                    _ = answer.Answer is null ? none = found : byText[answer.Answer] = found;
                }

                CollectionsMarshal.AsSpan(correct)[found] |= answer.Answer is not null && answer.Verdict == Verdict.Correct;
                classes[j][s] = found;
            }
        }

        var order = Enumerable.Range(0, texts.Count).OrderBy(c => texts[c], StringComparer.Ordinal).ToArray();
        var rank = new int[order.Length];
        for (var c = 0; c < order.Length; c++)
        {
            rank[order[c]] = c;
        }

        var counts = order.Select(_ => new int[classes.Length]).ToArray();
        for (var j = 0; j < classes.Length; j++)
        {
            for (var s = 0; s < classes[j].Length; s++)
            {
                counts[classes[j][s] = rank[classes[j][s]]][j]++;
            }
        }

        return new(counts, [.. order.Select(c => correct[c])], none < 0 ? -1 : rank[none], classes);
    }

    /// <summary>The votes of the t newest checkpoints, the newest first; classes that do not occur there are left out.</summary>
    public MajAtK.Ballot Newest(int t)
    {
        var present = Enumerable.Range(0, Counts.Length).Where(c => Counts[c].AsSpan()[^t..].ContainsAnyExcept(0)).ToArray();
        return new([.. present.Select(c => Counts[c][^t..].Reverse().ToArray())], [.. present.Select(c => Correct[c])]);
    }
}
