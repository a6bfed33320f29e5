using Hindsight.Scoring;

namespace Hindsight.Reporting.Tests;

/// <summary>Text that tries to be more than text.</summary>
internal static class Hostile
{
    public static IReadOnlyList<string> Payloads { get; } =
    [
        "<script>window.hacked = 1</script>",
        "</script><script>window.hacked = 1</script>",
        "<img src=x onerror=\"window.hacked = 1\">",
        "\" onmouseover=\"window.hacked = 1\" x=\"",
        "' autofocus onfocus='window.hacked = 1",
        "<svg/onload=window.hacked=1>",
        "--><script>window.hacked = 1</script><!--",
        "<!-- /measured --><script>window.hacked = 1</script>",
        "</pre></article></body><iframe srcdoc=\"<script>parent.hacked = 1</script>\"></iframe>",
        "</style><base href=https://evil.example/><form action=https://evil.example/>",
        "[click](javascript:window.hacked=1) ![x](https://evil.example/x.png) https://evil.example",
        "```\n</code></pre>\n# not a heading\n````\n| a | b |\n`````",
        "`` ` ``` a | b",
        "{{constructor.constructor('window.hacked=1')()}} ${window.hacked=1}",
        "&lt;script&gt;window.hacked = 1&lt;/script&gt; &#60;b&#62;",
        "\u202Egnp.exe\u202C \u2066hidden\u2069 \u200Fright",
        "zero\u200Bwidth\u200D\u2060\uFEFF \u00AD soft \u2028 line \u2029 paragraph",
        "bell\a escape\u001b[31m red \u009b31m null\0 delete\u007f",
        "tag \U000E0041\U000E0042 and a lone half \uD800 here",
        new string('A', 200_000),
        string.Concat(Enumerable.Repeat("\u0301", 3000)),
        "\r\n\r\nline\rline",
        "",
        " ",
    ];

    private static (EvaluationAnswers Answers, EvaluationScores Scores) Budget { get; } = BudgetSample.Of(Payloads, name => Payloads[name.Length % Payloads.Count]);

    /// <summary>A report with a payload wherever text from outside can stand.</summary>
    public static ReportData Report()
    {
        var sample = SampleReport.Make(problems: Payloads.Count);
        var next = 0;
        string Take() => Payloads[next++ % Payloads.Count];
        var scores = sample.Scores with
        {
            Base = sample.Scores.Base! with { Name = Take() },
            Trajectory = [.. sample.Scores.Trajectory.Select(c => c with { Name = Take(), Step = null })],
            Problems = [.. sample.Scores.Problems.Select((p, i) => p with { Id = Payloads[i] })],
            IncompleteProblems = Payloads,
            ProblemCount = 2 * Payloads.Count,
            Forgetting = sample.Scores.Forgetting! with { Steps = [.. sample.Scores.Forgetting.Steps.Select(s => s with { From = Take(), To = Take() })] },
            EarlyWeights = sample.Scores.EarlyWeights! with { Early = Take(), Late = Take() },
            LostProblems = [.. Payloads.Select(text => new LostProblem(text, 0, 1, 0, false, 0, false, 0))],
            Budget = Budget.Scores.Budget! with { LeftOut = Payloads },
        };
        return sample with
        {
            Run = Payloads[0],
            Evaluation = Payloads[2],
            Scores = scores,
            Genealogies = ShownGenealogy.Of(Budget.Answers, Budget.Scores),
            Problems = [.. Payloads.Select(text => new ProblemText(text, text, text))],
            LostExamples = [.. Payloads.Select(text => new LostExample(text, text, text, text, text + text, text))],
            Answers = [.. Payloads.SelectMany((text, i) => new[]
            {
                new ShownAnswer(text, text, null, (Verdict)(i % 4), text, text, 1, text),
                new ShownAnswer(Payloads[(i + 1) % Payloads.Count], text, null, (Verdict)((i + 1) % 4), text, text, 1, text + text),
            })],
            Extractions = [.. Payloads.Select((text, i) => new ExtractionCounts(text, 9, i % 9, i % 5, i % 3))],
            Missing = [.. Payloads.Select(text => new MissingAnswers(text, text, 1, text))],
            Refused = [.. Payloads.Select(text => new RefusedCheckpoint(text, text))],
            Provenance = new([.. Payloads.Select(text => new ProvenanceGroup(text, [new(text, text)]))]),
        };
    }
}

/// <summary>Evaluations in which almost everything is absent.</summary>
internal static class Degenerate
{
    public static IEnumerable<ReportData> Reports
    {
        get
        {
            var whole = SampleReport.Make();
            yield return whole with { Run = "no-samples", Scores = NoSamples(whole.Scores) };
            yield return whole with { Run = "no-greedy", Scores = NoGreedy(whole.Scores) };
            yield return SampleReport.Make(checkpoints: 1) with { Run = "one-checkpoint", LostExamples = [] };
            yield return SampleReport.Make(checkpoints: 2, problems: 1) with { Run = "one-problem" };
            yield return whole with
            {
                Run = "one-checkpoint-without-step",
                Scores = Nothing(1) with { Trajectory = [new("final", null, new(0, 0, 0), null, new(0, 1, 0, 0, 0, 0))], ProblemCount = 1 },
                LostExamples = [],
            };
            yield return whole with { Run = "no-problems", Scores = Nothing(2), Problems = [], LostExamples = [], Missing = [], Refused = [], Provenance = new([]) };
            yield return whole with { Run = "no-checkpoints", Scores = Nothing(0), Problems = [], LostExamples = [], Missing = [], Refused = [], Provenance = new([]) };
            yield return SampleReport.Make(problems: 3000) with { Run = "many-problems" };
        }
    }

    private static EvaluationScores NoSamples(EvaluationScores scores) => scores with
    {
        SamplesPerProblem = 0,
        Base = scores.Base! with { PassAt1 = null },
        Trajectory = [.. scores.Trajectory.Select(c => c with { PassAt1 = null })],
        Problems = [.. scores.Problems.Select(p => p with { PassRates = [], BasePassRate = null })],
        PassAtK = [],
        MajAtK = [],
        SampledForgetting = null,
        EarlyWeights = null,
    };

    private static EvaluationScores NoGreedy(EvaluationScores scores) => scores with
    {
        Base = null,
        Trajectory = [.. scores.Trajectory.Select(c => c with { Greedy = null })],
        Problems = [.. scores.Problems.Select(p => p with { Greedy = [], BaseGreedy = null, BasePassRate = null })],
        Forgetting = null,
        SampledForgetting = new(0.5, null, null),
    };

    private static EvaluationScores Nothing(int checkpoints) => new()
    {
        ProblemCount = 0,
        IncompleteProblems = [],
        SamplesPerProblem = 0,
        Trajectory = [.. Enumerable.Range(1, checkpoints).Select(i => new CheckpointScores("checkpoint-" + i, i, null, null, new(0, 0, 0, 0, 0, 0)))],
        Problems = [],
        PassAtK = [],
        MajAtK = [],
        LostProblems = [],
    };
}
