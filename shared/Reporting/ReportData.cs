using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>All that a report is made from. The same data gives the same bytes.</summary>
public sealed record ReportData
{
    /// <summary>The training run's name.</summary>
    public required string Run { get; init; }

    /// <summary>The evaluation's id.</summary>
    public required string Evaluation { get; init; }

    /// <summary>What was computed.</summary>
    public required EvaluationScores Scores { get; init; }

    /// <summary>How often evaluations of this run had been judged on each of its report splits, this one included.</summary>
    public LookCounter Looks { get; init; } = LookCounter.None;

    /// <summary>Text of the problems that are shown; others need not be here.</summary>
    public required IReadOnlyList<ProblemText> Problems { get; init; }

    /// <summary>Problems solved on the way and lost at the end, with both answers, the most telling first.</summary>
    public required IReadOnlyList<LostExample> LostExamples { get; init; }

    /// <summary>Every graded answer, for the browser of answers in the page.</summary>
    public IReadOnlyList<ShownAnswer> Answers { get; init; } = [];

    /// <summary>How particle methods came to their answers, for the problems on which methods differ most (<see cref="ShownGenealogy.Of"/>).</summary>
    public IReadOnlyList<ShownGenealogy> Genealogies { get; init; } = [];

    /// <summary>How the answers of each variant were read.</summary>
    public IReadOnlyList<ExtractionCounts> Extractions { get; init; } = [];

    /// <summary>Wanted answers that do not exist, and why.</summary>
    public required IReadOnlyList<MissingAnswers> Missing { get; init; }

    /// <summary>Checkpoints that were not taken in, and why.</summary>
    public required IReadOnlyList<RefusedCheckpoint> Refused { get; init; }

    /// <summary>Adapters whose answers were drawn in one batch over their base, as low-rank updates.</summary>
    public IReadOnlyList<string> AdaptersTogether { get; init; } = [];

    /// <summary>Adapters that were merged into their base first, because they change more than linear maps.</summary>
    public IReadOnlyList<string> AdaptersMerged { get; init; } = [];

    /// <summary>Whether linear maps were computed with 8-bit weights.</summary>
    public bool IsInt8 { get; init; }

    /// <summary>What computed the answers.</summary>
    public IReadOnlyList<AnswerDevice> Devices { get; init; } = [];

    /// <summary>What the numbers were made from.</summary>
    public required Provenance Provenance { get; init; }
}

/// <summary>A problem as the model was asked it.</summary>
public sealed record ProblemText(string Id, string Question, string Gold);

/// <summary>Both answers to a problem that was solved on the way and is wrong at the end.</summary>
/// <param name="ProblemId">The problem.</param>
/// <param name="SolvedAt">The checkpoint that solved it.</param>
/// <param name="SolvedText">Its answer.</param>
/// <param name="SolvedDrawn">How that answer was drawn: <c>greedy</c> or <c>sample 3</c>.</param>
/// <param name="FinalText">The final checkpoint's answer.</param>
/// <param name="FinalDrawn">How that answer was drawn.</param>
public sealed record LostExample(
    string ProblemId, string SolvedAt, string SolvedText, string SolvedDrawn, string FinalText, string FinalDrawn);

/// <summary>One graded answer.</summary>
/// <param name="Variant">What it was drawn from.</param>
/// <param name="ProblemId">The problem.</param>
/// <param name="Sample">Its index among the samples; null for the greedy answer.</param>
/// <param name="Verdict">What became of it.</param>
/// <param name="Extracted">The answer that was read from the text; null where none could be.</param>
/// <param name="FinishReason">Why it ended: <c>stop</c> or <c>length</c>.</param>
/// <param name="Tokens">Tokens drawn.</param>
/// <param name="Text">Its text.</param>
public sealed record ShownAnswer(
    string Variant, string ProblemId, int? Sample, Verdict Verdict, string? Extracted, string FinishReason, int Tokens, string Text);

/// <summary>How the answers of a variant were read, greedy and sampled together.</summary>
/// <param name="Variant">What they were drawn from.</param>
/// <param name="Read">Texts in which an answer was found.</param>
/// <param name="Guessed">Those of them whose answer no mark of the writer names, so that it was taken from its place in the text.</param>
/// <param name="Marked">Texts that mark an answer in more than one way.</param>
/// <param name="Disagreeing">Those of them whose marks name different answers.</param>
public sealed record ExtractionCounts(string Variant, int Read, int Guessed, int Marked, int Disagreeing);

/// <summary>Answers that were wanted and do not exist.</summary>
/// <param name="Variant">The checkpoint or interpolation they were to be drawn from.</param>
/// <param name="ProblemId">The problem; null for several.</param>
/// <param name="Count">How many.</param>
/// <param name="Why">One sentence.</param>
public sealed record MissingAnswers(string Variant, string? ProblemId, int Count, string Why);

/// <summary>A device that computed answers.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="IsBatchInvariant">Whether an answer from it is the same whatever is drawn beside it.</param>
public sealed record AnswerDevice(string Name, bool IsBatchInvariant);

/// <summary>A checkpoint that was not taken in.</summary>
public sealed record RefusedCheckpoint(string Name, string Reason);

/// <summary>What the numbers were made from: digests, decoding, seeds, prompt, versions, device, grader, in the order they are printed.</summary>
public sealed record Provenance(IReadOnlyList<ProvenanceGroup> Groups);

/// <summary>Facts under one heading.</summary>
public sealed record ProvenanceGroup(string Title, IReadOnlyList<ProvenanceEntry> Entries);

/// <summary>One fact. A value of several lines or of great length is printed as a block.</summary>
public sealed record ProvenanceEntry(string Label, string Value);
