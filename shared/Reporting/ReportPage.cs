using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace Hindsight.Reporting;

/// <summary>
/// The report as one HTML file that needs no network. Its content security policy lets run exactly the scripts and the style written here, by hash;
/// model text stands only in text nodes and in encoded attributes.
/// </summary>
public static class ReportPage
{
    /// <summary>The line before the only part of the page that may differ between runs.</summary>
    public const string MeasuredStart = "<!-- measured -->";

    /// <summary>The line after it.</summary>
    public const string MeasuredEnd = "<!-- /measured -->";

    private static readonly string Style = Resource("report.css");

    // The plot library, its evaluator that needs no eval, and the few lines that draw the plots.
    private static readonly string[] Scripts = [Resource("vega.js"), Resource("vega-lite.js"), Interpreter(), Resource("report.js")];

    private static readonly string Licences = Resource("vega.license") + "\n" + Resource("vega-lite.license");

    /// <summary>The page. The same data gives the same bytes; <paramref name="timings"/> changes only what stands between the two marks.</summary>
    /// <param name="data">What was found.</param>
    /// <param name="timings">What was measured on the way, if anything.</param>
    public static string Html(ReportData data, Timings? timings)
    {
        var sections = Document.Sections(data);
        var page = new HtmlText();
        var policy = $"default-src 'none'; script-src {string.Join(' ', Scripts.Select(Hash))}; style-src {Hash(Style)}; base-uri 'none'; form-action 'none'";
        page.Add($"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="{policy}">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="referrer" content="no-referrer">
            <title>{Inert.Line(data.Run)} · Hindsight</title>
            <style>
            """);
        page.AddVerbatim(Style);
        page.Add($"""
            </style>
            </head>
            <body>
            <header>
            <p class="product">Hindsight</p>
            <h1>What {(Prose)$"{data.Run}"} knew along the way</h1>
            <p class="subtitle">{Document.Subtitle(data)}</p>
            <p class="headline">{Findings.Headline(data.Scores)}</p>

            """);
        WriteKeyNumbers(page, Findings.KeyNumbers(data.Scores));
        page.Add($"<nav aria-label=\"Sections\"><ul>\n");
        foreach (var section in sections)
        {
            page.Add($"<li><a href=\"#{section.Id}\">{section.Title}</a></li>\n");
        }
        page.Add($"</ul></nav>\n<noscript><p>The plots need JavaScript; the numbers behind each stand in its table.</p></noscript>\n</header>\n<main>\n");
        foreach (var section in sections)
        {
            page.Add($"<section id=\"{section.Id}\">\n<h2>{section.Title}</h2>\n");
            foreach (var block in section.Blocks)
            {
                Write(page, block);
            }
            page.Add($"</section>\n");
        }
        page.AddVerbatim(MeasuredStart + "\n");
        if (timings is not null)
        {
            WriteTimings(page, timings);
        }
        page.AddVerbatim(MeasuredEnd + "\n");
        page.Add($"</main>\n<!--\nThe plots are drawn by Vega and Vega-Lite.\n\n");
        page.AddVerbatim(Licences);
        page.Add($"-->\n");
        foreach (var script in Scripts)
        {
            page.Add($"<script>");
            page.AddVerbatim(script);
            page.Add($"</script>\n");
        }
        page.Add($"</body>\n</html>\n");
        return page.ToString();
    }

    private static void Write(HtmlText page, Block block)
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
            case Comparison comparison:
                WriteComparison(page, comparison);
                break;
            case Facts facts:
                WriteFacts(page, facts);
                break;
            default:
                throw new NotSupportedException(block.GetType().Name);
        }
    }

    private static void WriteKeyNumbers(HtmlText page, IReadOnlyList<KeyNumber> numbers)
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

    private static void WriteFigure(HtmlText page, Figure figure)
    {
        page.Add($"<figure>\n");
        if (figure.Shades is not null)
        {
            page.Add($"<p class=\"shades\">{figure.Shades}: 0\u00a0% <span class=\"ramp\"></span> 100\u00a0%</p>\n");
        }
        page.Add($"<div class=\"plot\" role=\"img\" aria-label=\"{figure.Label}\" data-plot=\"{figure.Plot}\"></div>\n");
        page.Add($"<figcaption>{figure.Caption}</figcaption>\n<details><summary>The numbers</summary>\n");
        WriteTable(page, figure.Numbers);
        page.Add($"</details>\n</figure>\n");
    }

    private static void WriteTable(HtmlText page, Table table)
    {
        page.Add($"<div class=\"table\" tabindex=\"0\">\n<table>\n<thead><tr>");
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

    private static void WriteComparison(HtmlText page, Comparison comparison)
    {
        page.Add($"<article>\n<h3>{comparison.Title}</h3>\n");
        if (comparison.Question is not null)
        {
            page.Add($"<pre class=\"question\" tabindex=\"0\"><bdi>{Inert.Block(comparison.Question)}</bdi></pre>\n");
        }
        if (comparison.Gold is not null)
        {
            page.Add($"<p class=\"gold\">Right answer: {(Prose)$"{comparison.Gold}"}</p>\n");
        }
        var (before, after) = (Inert.Block(comparison.BeforeText), Inert.Block(comparison.AfterText));
        var shared = SharedStart(before, after);
        page.Add($"<div class=\"panels\">\n<div class=\"answer solved\">\n<h4>{comparison.Before}</h4>\n<pre tabindex=\"0\"><bdi><span class=\"shared\">{before[..shared]}</span>{before[shared..]}</bdi></pre>\n</div>\n");
        page.Add($"<div class=\"answer lost\">\n<h4>{comparison.After}</h4>\n<pre tabindex=\"0\"><bdi><span class=\"shared\">{after[..shared]}</span>{after[shared..]}</bdi></pre>\n</div>\n</div>\n</article>\n");
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

    private static void WriteTimings(HtmlText page, Timings timings)
    {
        page.Add($"<section id=\"measured\">\n<h2>Measured</h2>\n<dl class=\"facts\">\n");
        Fact("Written", timings.Date.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture));
        foreach (var stage in timings.Stages)
        {
            Fact(stage.Stage, string.Create(CultureInfo.InvariantCulture, $"{stage.Seconds:N1} s"));
        }
        Fact("Tokens drawn", string.Create(CultureInfo.InvariantCulture, $"{timings.Tokens:N0}"));
        Fact("Tokens per second", string.Create(CultureInfo.InvariantCulture, $"{timings.TokensPerSecond:N0}"));
        page.Add($"</dl>\n</section>\n");

        void Fact(string label, string value) => page.Add($"<div><dt>{(Prose)$"{label}"}</dt><dd>{(Prose)$"{value}"}</dd></div>\n");
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

    // Browsers hash the text after turning CR LF into LF. Source maps would be fetched from beside the file by developer tools.
    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var lines = reader.ReadToEnd().ReplaceLineEndings("\n").Split('\n');
        return string.Join('\n', lines.Where(line => !line.StartsWith("//# sourceMappingURL", StringComparison.Ordinal)));
    }

    // The interpreter ships as a module, which could only import Vega from an address; its one import and one export become plain assignments.
    private static string Interpreter() => "(() => {\n" + Resource("vega-interpreter.js")
        .Replace("import {", "const {", StringComparison.Ordinal).Replace("} from 'vega-util';", "} = vega;", StringComparison.Ordinal)
        .Replace("export { expression as expressionInterpreter };", "vega.expressionInterpreter = expression;", StringComparison.Ordinal) + "})();\n";

    private static string Hash(string text) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";
}
