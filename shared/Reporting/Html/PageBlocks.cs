namespace Hindsight.Reporting;

/// <summary>Sections and their blocks, as HTML.</summary>
internal static class PageBlocks
{
    /// <summary>The ways to the sections, the end of the header, and the sections; the caller closes what is then open, main.</summary>
    public static void WriteBody(HtmlText page, IReadOnlyList<Section> sections)
    {
        page.Add($"<nav aria-label=\"Sections\"><ul>\n");
        foreach (var section in sections)
        {
            page.Add($"<li><a href=\"#{section.Id}\">{section.Title}</a></li>\n");
        }
        page.Add($"</ul></nav>\n<noscript><p>The plots and the browser of answers need JavaScript; the numbers behind each plot stand in its table.</p></noscript>\n</header>\n<main>\n");
        foreach (var section in sections)
        {
            Write(page, section);
        }
    }

    private static void Write(HtmlText page, Section section)
    {
        page.Add($"<section id=\"{section.Id}\">\n<h2>{section.Title}</h2>\n");
        foreach (var block in section.Blocks)
        {
            Write(page, block);
        }
        page.Add($"</section>\n");
    }

    public static void Write(HtmlText page, IReadOnlyList<KeyNumber> numbers)
    {
        if (numbers.Count == 0)
        {
            return;
        }
        page.Add($"<dl class=\"key\">\n");
        foreach (var number in numbers)
        {
            page.Add($"<div><dt>{number.Label}</dt><dd class=\"value\">{number.Value}</dd><dd>{number.Note}</dd></div>\n");
        }
        page.Add($"</dl>\n");
    }

    /// <summary>Buttons that turn the pages of a list; the script shows them where there is more than one page.</summary>
    public static void WritePaging(HtmlText page, string label) => page.Add($"""
        <nav class="pages" aria-label="{label}" hidden>
        <button type="button">First</button>
        <button type="button">Previous</button>
        <span role="status"></span>
        <button type="button">Next</button>
        <button type="button">Last</button>
        </nav>

        """);

    public static void Write(HtmlText page, Block block)
    {
        switch (block)
        {
            case Paragraph paragraph:
                page.Add($"<p>{paragraph.Text}</p>\n");
                break;
            case Table table:
                WriteTable(page, table);
                break;
            case Figure figure:
                WriteFigure(page, figure);
                break;
            case Figures figures:
                page.Add($"<div class=\"panels\">\n");
                foreach (var panel in figures.Panels)
                {
                    WriteFigure(page, panel);
                }
                page.Add($"</div>\n");
                break;
            case HeatMap map:
                PageHeatMap.Write(page, map);
                break;
            case GenealogyPicture picture:
                PageGenealogy.Write(page, picture);
                break;
            case AnswerBrowser browser:
                PageAnswers.Write(page, browser);
                break;
            case AnswerPair pair:
                WritePair(page, pair);
                break;
            case Facts facts:
                WriteFacts(page, facts);
                break;
            default:
                throw new NotSupportedException(block.GetType().Name);
        }
    }

    private static void WriteFigure(HtmlText page, Figure figure)
    {
        page.Add($"<figure>\n");
        page.Add($"<div class=\"plot\" role=\"img\" aria-label=\"{figure.Label}\" data-plot=\"{figure.Plot}\"></div>\n");
        page.Add($"<figcaption>{figure.Caption}</figcaption>\n<details><summary>The numbers</summary>\n");
        WriteTable(page, figure.Numbers);
        page.Add($"<button type=\"button\" class=\"csv\" hidden>Download CSV</button>\n</details>\n</figure>\n");
    }

    public static void WriteTable(HtmlText page, Table table)
    {
        page.Add($"<div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"Table by {table.Header[0].Inert}\">\n<table>\n<thead><tr>");
        for (var c = 0; c < table.Header.Count; c++)
        {
            page.Add($"<th scope=\"col\" class=\"{Align(table, c)}\">{table.Header[c]}</th>");
        }
        page.Add($"</tr></thead>\n<tbody>\n");
        foreach (var row in table.Rows)
        {
            page.Add($"<tr><th scope=\"row\">{row[0]}</th>");
            for (var c = 1; c < row.Count; c++)
            {
                page.Add($"<td class=\"{Align(table, c)}\">{row[c]}</td>");
            }
            page.Add($"</tr>\n");
        }
        page.Add($"</tbody>\n</table>\n</div>\n");
    }

    private static string Align(Table table, int column) => column < table.TextColumns ? "text" : "n";

    private static void WritePair(HtmlText page, AnswerPair pair)
    {
        if (pair.IsFolded)
        {
            page.Add($"<details class=\"pair\"><summary>{pair.Title}</summary>\n");
        }
        else
        {
            page.Add($"<article>\n<h3>{pair.Title}</h3>\n");
        }
        if (pair.Question is not null)
        {
            page.Add($"<pre class=\"question\" tabindex=\"0\"><bdi>{Inert.Block(pair.Question)}</bdi></pre>\n");
        }
        if (pair.Gold is not null)
        {
            page.Add($"<p class=\"gold\">Right answer: {(Prose)$"{pair.Gold}"}</p>\n");
        }
        var (before, after) = (Inert.Block(pair.Before.Text), Inert.Block(pair.After.Text));
        var shared = SharedStart(before, after);
        page.Add($"<div class=\"panels\">\n");
        WriteAnswer(pair.Before, before);
        WriteAnswer(pair.After, after);
        page.Add($"</div>\n");
        if (pair.IsFolded)
        {
            page.Add($"</details>\n");
        }
        else
        {
            page.Add($"</article>\n");
        }

        void WriteAnswer(PairedAnswer answer, string text) => page.Add(
            $"<div class=\"answer {(answer.IsRight ? "solved" : "lost")}\">\n<p class=\"whose\">{answer.Title}</p>\n<pre tabindex=\"0\"><bdi><span class=\"shared\">{text[..shared]}</span>{text[shared..]}</bdi></pre>\n</div>\n");
    }

    private static void WriteFacts(HtmlText page, Facts facts)
    {
        page.Add($"<h3>{(Prose)$"{facts.Title}"}</h3>\n<dl class=\"facts\">\n");
        foreach (var fact in facts.Entries)
        {
            if (fact.Value.Length > 120 || fact.Value.AsSpan().ContainsAny('\n', '\r'))
            {
                page.Add($"<div class=\"long\"><dt>{(Prose)$"{fact.Label}"}</dt><dd><pre tabindex=\"0\"><bdi>{Inert.Block(fact.Value)}</bdi></pre></dd></div>\n");
            }
            else
            {
                page.Add($"<div><dt>{(Prose)$"{fact.Label}"}</dt><dd>{(Prose)$"{fact.Value}"}</dd></div>\n");
            }
        }
        page.Add($"</dl>\n");
    }

    // How far two answers read the same, back to the end of a word.
    private static int SharedStart(string one, string other)
    {
        var same = one.AsSpan().CommonPrefixLength(other);
        while (same > 0 && !char.IsWhiteSpace(one[same - 1]))
        {
            same--;
        }
        return same;
    }
}
