using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>What is said of two reports, and in which order.</summary>
internal static class ComparisonDocument
{
    private const int MostListed = 200;

    /// <summary>The opening sentence.</summary>
    public static Prose Headline(PairedReports pair)
    {
        var difference = pair.Final.Comparison.Difference;
        Prose of = $"{Number.Count(pair.Final.Comparison.Problems, "problem", "problems")} that both have";
        return $"{Verdict(pair.Final.Comparison.Outcome)}. The final checkpoint of {pair.Names.Second} against that of {pair.Names.First}, on {of}: {Number.Points(difference)} {Name(pair)}. {Meaning(pair.Final)}";
    }

    /// <summary>The sections.</summary>
    public static IReadOnlyList<Section> Sections(PairedReports pair)
    {
        Section?[] all =
        [
            new("trajectories", "Along both runs", [Trajectories(pair)]),
            new("difference", "The difference", [Differences(pair), .. pair.Best is null ? Array.Empty<Block>() : [Flattered()]]),
            Changes(pair, "gained", "Problems gained", pair.Final.Gained),
            Changes(pair, "lost", "Problems lost", pair.Final.Lost),
            Unpaired(pair),
            Provenance(pair),
            Methods(pair),
        ];
        return [.. all.OfType<Section>()];
    }

    public static IReadOnlyList<KeyNumber> KeyNumbers(PairedReports pair) =>
    [
        new($"Difference of the final checkpoints", Number.Points(pair.Final.Comparison.Difference), $"paired by problem, {Verdict(pair.Final.Comparison.Outcome)}"),
        new($"Problems gained", $"{pair.Final.Gained.Count}", $"{pair.Final.Comparison.Higher} score higher by any amount"),
        new($"Problems lost", $"{pair.Final.Lost.Count}", $"{pair.Final.Comparison.Lower} score lower by any amount"),
        new($"Smallest true difference that would show", pair.Final.Comparison.Detectable is { } least ? (Prose)$"{Number.Fixed(100 * least)} points" : $"–", $"found four times in five; the margin is {Margin(pair.Final)}"),
    ];

    private static Figure Trajectories(PairedReports pair)
    {
        var names = new[] { Inert.Line(pair.Names.First), Inert.Line(pair.Names.Second) };
        if (names[0] == names[1])
        {
            names = ["first: " + names[0], "second: " + names[1]];
        }
        var sides = new[] { pair.First.Scores.Trajectory, pair.Second.Scores.Trajectory };
        var steps = sides.All(side => side.All(checkpoint => checkpoint.Step is not null));
        var rows = new List<object>();
        for (var s = 0; s < 2; s++)
        {
            for (var c = 0; c < sides[s].Count; c++)
            {
                if (pair.Score(sides[s][c]) is { } score)
                {
                    rows.Add(new { at = steps ? sides[s][c].Step!.Value : c + 1, name = Inert.Line(sides[s][c].Name), run = names[s], value = score.Value, low = score.Low, high = score.High });
                }
            }
        }
        var domain = Plot.Domain(sides.SelectMany(side => side).Select(pair.Score).OfType<Estimate>());
        var x = new { field = "at", type = "quantitative", title = steps ? "training step" : "checkpoint, counted from the first", scale = new { zero = false, nice = false, padding = 14 }, axis = new { format = "d", tickMinStep = 1, tickCount = 8, grid = false } };
        var y = Plot.Shares("value", "problems solved", domain);
        var colour = Plot.Colours("run", names, [Plot.Second, Plot.Main]);
        object[] layers =
        [
            new { mark = new { type = "area", opacity = 0.14 }, encoding = new { x, y = Plot.Shares("low", "problems solved", domain), y2 = new { field = "high" }, color = colour } },
            new { mark = new { type = "line", strokeWidth = 2.5 }, encoding = new { x, y, color = colour, strokeDash = new { field = "run", type = "nominal", scale = new { domain = names, range = new int[][] { [5, 4], [1, 0] } } } } },
            new { mark = new { type = "point", filled = true, size = 55, opacity = 1 }, encoding = new { x, y, color = colour, tooltip = new[] { Plot.Tip("run", "run"), Plot.Tip("name", "checkpoint"), Plot.Tip("value", "solved", ".1%") } } },
        ];
        Prose caption = $"{Name(pair)} of every checkpoint on all problems of its own evaluation, with its 95\u00a0% interval; dashed, {pair.Names.First}. Whether one is better is not read off these bands, which are wide because problems differ: the pairing below takes that out.{Plot.AxisNote(domain)}";
        return new(Plot.Json(300, rows, layers), "Line chart of the share of problems solved at each checkpoint of both runs", caption, new(
            [$"Run", $"Checkpoint", Name(pair)],
            [.. Enumerable.Range(0, 2).SelectMany(s => sides[s].Select(checkpoint => (IReadOnlyList<Prose>)[$"{(s == 0 ? pair.Names.First : pair.Names.Second)}", $"{checkpoint.Name}", Number.Or(pair.Score(checkpoint))]))],
            TextColumns: 2));
    }

    private static Table Differences(PairedReports pair)
    {
        var rows = new List<IReadOnlyList<Prose>> { Row($"final checkpoints", pair.Final) };
        if (pair.Best is { } best)
        {
            rows.Add(Row($"highest checkpoints", best));
        }
        return new([$"Compared", $"First", $"Second", $"What can be said", $"Difference", $"p"], rows, TextColumns: 4);

        static IReadOnlyList<Prose> Row(Prose what, EvaluationComparison comparison) =>
        [
            what, $"{comparison.Comparison.Against}", $"{comparison.Comparison.Of}", Verdict(comparison.Comparison.Outcome),
            Number.Points(comparison.Comparison.Difference), PValue(comparison.Comparison.PValue),
        ];
    }

    private static Paragraph Flattered() => new($"The highest checkpoints were chosen by these very scores, so both sides of their comparison are flattered, the run with more checkpoints more. The comparison of the final checkpoints is the one to go by.");

    private static Section Changes(PairedReports pair, string id, string title, IReadOnlyList<ProblemChange> changes)
    {
        if (changes.Count == 0)
        {
            return new(id, title, [new Paragraph($"None stands out from sampling noise.")]);
        }
        var tested = changes.Any(change => change.PValue is not null);
        var rows = changes.Take(MostListed).Select(change => (IReadOnlyList<Prose>)
            [$"{change.ProblemId}", Number.Percent(change.Before), Number.Percent(change.After), .. tested ? new[] { change.PValue is { } p ? PValue(p) : $"–" } : []]).ToList();
        var left = changes.Count - rows.Count;
        return new(id, title,
        [
            new Paragraph(tested
                ? (Prose)$"{Number.Count(changes.Count, "problem", "problems")} whose share of right answers changed beyond sampling noise, the clearest first; about one in ten of those listed may be chance.{(left > 0 ? (Prose)$" The other {left} are left out here." : $"")}"
                : $"{Number.Count(changes.Count, "problem", "problems")} whose single answer flipped.{(left > 0 ? (Prose)$" The other {left} are left out here." : $"")}"),
            new Table([$"Problem", $"First", $"Second", .. tested ? new Prose[] { $"p" } : []], rows),
            .. Answers(pair, changes.Take(MostListed)),
        ]);
    }

    // Of each problem the two answers that show the change: one that is right where it was solved more often, one that is not where less.
    private static IEnumerable<Block> Answers(PairedReports pair, IEnumerable<ProblemChange> changes)
    {
        if (pair.First.Answers.Count == 0 || pair.Second.Answers.Count == 0)
        {
            yield return new Paragraph($"The answers of one of them (answers.jsonl) are not there, so they cannot be shown.");
            yield break;
        }
        foreach (var change in changes)
        {
            var gained = change.After > change.Before;
            if (pair.First.Answer(change.ProblemId, pair.IsSampled, !gained) is { } before && pair.Second.Answer(change.ProblemId, pair.IsSampled, gained) is { } after)
            {
                yield return new AnswerPair($"Both answers to {change.ProblemId}", null, null, Shown(pair.Names.First, before), Shown(pair.Names.Second, after), IsFolded: true);
            }
        }

        static PairedAnswer Shown(string name, ShownAnswer answer) => new(
            $"{name}, {answer.Variant}, {(answer.Sample is { } sample ? (Prose)$"sample {sample}" : $"greedy")}: {Word(answer.Verdict)}", answer.Verdict == Scoring.Verdict.Correct, answer.Text);
    }

    private static Prose Word(Verdict verdict) => verdict switch
    {
        Scoring.Verdict.Correct => (Prose)$"correct",
        Scoring.Verdict.Wrong => $"wrong",
        Scoring.Verdict.NoAnswer => $"no answer",
        _ => $"truncated",
    };

    private static Section? Unpaired(PairedReports pair)
    {
        var blocks = new List<Block>();
        Only(pair.Names.First, pair.Final.OnlyFirst);
        Only(pair.Names.Second, pair.Final.OnlySecond);
        return blocks.Count == 0 ? null : new("unpaired", "Problems that only one has", blocks);

        void Only(string name, IReadOnlyList<string> ids)
        {
            if (ids.Count > 0)
            {
                blocks.Add(new Paragraph($"Only in {name}, and so left out: {Prose.Join(", ", ids.Take(50).Select(id => (Prose)$"{id}"))}{(ids.Count > 50 ? (Prose)$" and {ids.Count - 50} more" : $"")}."));
            }
        }
    }

    // What was the same in both need not be read twice.
    private static Section Provenance(PairedReports pair)
    {
        if (pair.First.Provenance is not { } first || pair.Second.Provenance is not { } second)
        {
            return new("provenance", "How the two were made", [new Paragraph($"The summary of one of them (summary.json) is not there, so it is not known whether prompts, decoding and graders were the same.")]);
        }
        var (before, after) = (Facts(first), Facts(second));
        var rows = before.Keys.Union(after.Keys)
            .Where(key => before.GetValueOrDefault(key) != after.GetValueOrDefault(key))
            .Select(key => (IReadOnlyList<Prose>)[$"{key.Group}: {key.Label}", Value(before, key), Value(after, key)])
            .ToList();
        return new("provenance", "How the two were made", rows.Count == 0
            ? [new Paragraph($"Weights, suite, decoding, prompt and versions are the same in both.")]
            : [new Paragraph($"What differs; all else is the same. A difference in suite, prompt, decoding or graders changes scores by itself."), new Table([$"What", $"First", $"Second"], rows, TextColumns: 3)]);

        static Dictionary<(string Group, string Label), string> Facts(Provenance provenance)
        {
            var facts = new Dictionary<(string, string), string>();
            foreach (var group in provenance.Groups)
            {
                foreach (var entry in group.Entries)
                {
                    facts.TryAdd((group.Title, entry.Label), entry.Value);
                }
            }
            return facts;
        }

        static Prose Value(Dictionary<(string Group, string Label), string> facts, (string Group, string Label) key) =>
            facts.TryGetValue(key, out var value) ? (Prose)$"{value}" : $"–";
    }

    private static Section Methods(PairedReports pair) => new("methods", "How the numbers were made",
    [
        new Paragraph($"The difference is the mean, over problems that both have, of the second's share of right answers minus the first's; the cluster of problems is the unit. Its interval is 95\u00a0% Student-t with the cluster-robust standard error, for new problems of this kind; p is from flipping the signs of clusters."),
        new Paragraph($"What can be said: GAIN or LOSS where the interval leaves zero out; NO DIFFERENCE where two one-sided tests at 5\u00a0% show it smaller than the margin of {Margin(pair.Final)}, declared before looking, which goes before the other two; else INCONCLUSIVE."),
        new Paragraph($"Problems gained and lost: Fisher's exact test for each problem, at a false discovery rate of 10\u00a0% (Benjamini and Hochberg); single answers that flipped are all listed. Problems are paired by their ids."),
    ]);

    private static Prose Verdict(Outcome outcome) => outcome switch
    {
        Outcome.Gain => (Prose)$"GAIN",
        Outcome.Loss => $"LOSS",
        Outcome.NoDifference => $"NO DIFFERENCE",
        _ => $"INCONCLUSIVE",
    };

    private static Prose Meaning(EvaluationComparison comparison) => comparison.Comparison.Outcome switch
    {
        Outcome.Gain or Outcome.Loss => (Prose)$"The interval leaves zero out.",
        Outcome.NoDifference => $"Any true difference is smaller than the margin of {Margin(comparison)}.",
        _ => $"Neither a difference nor its absence is shown{(comparison.Comparison.Detectable is { } least ? (Prose)$": a true one below about {Number.Fixed(100 * least)} points would most likely not show on these problems" : $"")}.",
    };

    private static Prose Margin(EvaluationComparison comparison) => $"{Number.Fixed(100 * comparison.Margin)} points";

    private static Prose Name(PairedReports pair) => pair.IsSampled ? (Prose)$"Pass@1" : $"greedy score";

    private static Prose PValue(double p) => p < 0.001 ? (Prose)$"< 0.001" : Number.Decimal(p);
}
