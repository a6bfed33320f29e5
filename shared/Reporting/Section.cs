namespace Hindsight.Reporting;

/// <summary>A part of the report, the same for the page and for Markdown.</summary>
internal sealed record Section(string Id, string Title, IReadOnlyList<Block> Blocks);

internal abstract record Block;

internal sealed record Paragraph(Prose Text) : Block;

/// <summary>A table. The columns after the first <paramref name="TextColumns"/> hold numbers.</summary>
internal sealed record Table(IReadOnlyList<Prose> Header, IReadOnlyList<IReadOnlyList<Prose>> Rows, int TextColumns = 1) : Block;

/// <summary>A plot with what to see in it and the numbers behind it.</summary>
/// <param name="Plot">A Vega-Lite specification, as JSON.</param>
/// <param name="Label">What a screen reader says the plot is.</param>
/// <param name="Caption">What to see.</param>
/// <param name="Numbers">The data of the plot.</param>
internal sealed record Figure(string Plot, string Label, Prose Caption, Table Numbers) : Block;

/// <summary>Problems by checkpoints: a picture of all, and a table of some at a time.</summary>
/// <param name="Columns">The columns.</param>
/// <param name="Rows">The problems, each with its share of right answers for each column; null where there is none.</param>
/// <param name="ColumnTitle">What the columns are.</param>
/// <param name="Shades">What the shades mean, from 0 to 100 %.</param>
/// <param name="Caption">What to see.</param>
/// <param name="Numbers">The beginning of the numbers, for readers without scripts.</param>
internal sealed record HeatMap(
    IReadOnlyList<HeatColumn> Columns, IReadOnlyList<HeatRow> Rows, string ColumnTitle, string Shades, Prose Caption, Table Numbers) : Block;

/// <summary>A column of a heat map: its label, and the name of the checkpoint.</summary>
internal sealed record HeatColumn(string Label, string Name);

/// <summary>A row of a heat map.</summary>
internal sealed record HeatRow(string Id, IReadOnlyList<double?> Shares);

/// <summary>Plots side by side where there is room.</summary>
internal sealed record Figures(IReadOnlyList<Figure> Panels) : Block;

/// <summary>Every answer, to be filtered and read.</summary>
internal sealed record AnswerBrowser(ReportData Data) : Block;

/// <summary>How particle methods came to their answers: a picture of one problem and method at a time.</summary>
/// <param name="Genealogies">What can be looked at.</param>
/// <param name="Caption">What to see.</param>
/// <param name="Numbers">What became of each chain, for readers without scripts.</param>
internal sealed record GenealogyPicture(IReadOnlyList<ShownGenealogy> Genealogies, Prose Caption, Table Numbers) : Block;

/// <summary>One of the opening numbers, with how far it can be trusted.</summary>
internal sealed record KeyNumber(Prose Label, Prose Value, Prose Note);

/// <summary>A problem with two answers to it.</summary>
/// <param name="Title">The problem.</param>
/// <param name="Question">Its text, if it is to be shown.</param>
/// <param name="Gold">The right answer, if it is to be shown.</param>
/// <param name="Before">The earlier answer.</param>
/// <param name="After">The later answer.</param>
/// <param name="IsFolded">Whether a reader unfolds it by its title.</param>
internal sealed record AnswerPair(Prose Title, string? Question, string? Gold, PairedAnswer Before, PairedAnswer After, bool IsFolded = false) : Block;

/// <summary>One of two answers.</summary>
internal sealed record PairedAnswer(Prose Title, bool IsRight, string Text);

/// <summary>Labelled values under a heading of their own.</summary>
internal sealed record Facts(string Title, IReadOnlyList<ProvenanceEntry> Entries) : Block;
