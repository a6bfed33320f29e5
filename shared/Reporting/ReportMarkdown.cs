using System.Text;

namespace Hindsight.Reporting;

/// <summary>The report as Markdown: the same sentences and numbers, no HTML. Untrusted text stands in code spans and fenced blocks only.</summary>
public static class ReportMarkdown
{
    /// <summary>The document. The same data gives the same bytes.</summary>
    public static string Write(ReportData data)
    {
        var text = new StringBuilder();
        text.Append("# What ").Append(Line($"{data.Run}")).Append(" knew along the way\n\n");
        Paragraph(text, Document.Subtitle(data));
        Paragraph(text, Findings.Headline(data.Scores));
        if (Findings.KeyNumbers(data.Scores) is { Count: > 0 } numbers)
        {
            Write(text, new Table([$"Key number", $"Value", $"How far it can be trusted"], [.. numbers.Select(number => (IReadOnlyList<Prose>)[number.Label, number.Value, number.Note])], TextColumns: 3));
        }
        foreach (var section in Document.Sections(data))
        {
            text.Append("## ").Append(section.Title).Append("\n\n");
            foreach (var block in section.Blocks)
            {
                Write(text, block);
            }
        }
        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static void Write(StringBuilder text, Block block)
    {
        switch (block)
        {
            case Paragraph paragraph:
                Paragraph(text, paragraph.Text);
                break;
            case Table table:
                Write(text, table);
                break;
            case Figure figure:
                Paragraph(text, figure.Caption);
                Write(text, figure.Numbers);
                break;
            case HeatMap map:
                Paragraph(text, map.Caption);
                Write(text, map.Numbers);
                break;
            case GenealogyPicture picture:
                Paragraph(text, picture.Caption);
                Write(text, picture.Numbers);
                break;
            case Figures figures:
                foreach (var panel in figures.Panels)
                {
                    Write(text, panel);
                }
                break;
            case AnswerBrowser:
                Paragraph(text, $"Each stands in answers.jsonl, and report.html has a browser of them.");
                break;
            case AnswerPair pair:
                Write(text, pair);
                break;
            case Facts facts:
                Write(text, facts);
                break;
            default:
                throw new NotSupportedException(block.GetType().Name);
        }
    }

    private static void Paragraph(StringBuilder text, Prose prose) => text.Append(Line(prose)).Append("\n\n");

    private static void Write(StringBuilder text, Table table)
    {
        Row(text, table.Header);
        for (var c = 0; c < table.Header.Count; c++)
        {
            text.Append(c < table.TextColumns ? "| --- " : "| ---: ");
        }
        text.Append("|\n");
        foreach (var row in table.Rows)
        {
            Row(text, row);
        }
        text.Append('\n');
    }

    // Inside a table a bar ends the cell even in a code span, unless a backslash stands before it.
    private static void Row(StringBuilder text, IReadOnlyList<Prose> cells)
    {
        foreach (var cell in cells)
        {
            text.Append("| ").Append(Line(cell).Replace("|", "\\|", StringComparison.Ordinal)).Append(' ');
        }
        text.Append("|\n");
    }

    private static void Write(StringBuilder text, AnswerPair pair)
    {
        text.Append("### ").Append(Line(pair.Title)).Append("\n\n");
        if (pair.Question is not null)
        {
            Fenced(text, pair.Question);
        }
        if (pair.Gold is not null)
        {
            Paragraph(text, $"Right answer: {pair.Gold}");
        }
        Paragraph(text, $"{pair.Before.Title}:");
        Fenced(text, pair.Before.Text);
        Paragraph(text, $"{pair.After.Title}:");
        Fenced(text, pair.After.Text);
    }

    private static void Write(StringBuilder text, Facts facts)
    {
        text.Append("### ").Append(Line($"{facts.Title}")).Append("\n\n");
        foreach (var fact in facts.Entries)
        {
            if (fact.Value.Length > 120 || fact.Value.AsSpan().ContainsAny('\n', '\r'))
            {
                Paragraph(text, $"{fact.Label}:");
                Fenced(text, fact.Value);
            }
            else
            {
                text.Append("- ").Append(Line($"{fact.Label}: {fact.Value}")).Append('\n');
            }
        }
        text.Append('\n');
    }

    private static void Fenced(StringBuilder text, string untrusted)
    {
        var shown = Inert.Block(untrusted);
        var fence = Backticks(shown, 3);
        text.Append(fence).Append("text\n").Append(shown.TrimEnd('\n')).Append('\n').Append(fence).Append("\n\n");
    }

    private static string Line(Prose prose) => string.Concat(prose.Pieces.Select(piece =>
        piece.Kind == PieceKind.Foreign ? Span(Inert.Line(piece.Text)) : piece.Text));

    // The spaces inside are dropped by the reader; they keep a backtick at either end off the delimiter.
    private static string Span(string shown)
    {
        var fence = Backticks(shown, 1);
        return shown.Trim().Length == 0 ? "` `" : shown.Contains('`', StringComparison.Ordinal) ? $"{fence} {shown} {fence}" : fence + shown + fence;
    }

    private static string Backticks(string text, int least)
    {
        var (longest, run) = (0, 0);
        foreach (var letter in text)
        {
            run = letter == '`' ? run + 1 : 0;
            longest = Math.Max(longest, run);
        }
        return new string('`', Math.Max(least, longest + 1));
    }
}
