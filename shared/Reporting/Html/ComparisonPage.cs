namespace Hindsight.Reporting;

/// <summary>Two evaluations beside each other, paired by problem, as one HTML file that needs no network.</summary>
public sealed class ComparisonPage
{
    private readonly PairedReports pair;

    /// <summary>Compares two evaluations.</summary>
    /// <param name="first">The earlier, or the baseline.</param>
    /// <param name="second">The later.</param>
    /// <param name="margin">Differences smaller than this do not matter; a share.</param>
    /// <exception cref="InvalidDataException">There is nothing to pair, or the scores contradict themselves.</exception>
    public ComparisonPage(ComparedReport first, ComparedReport second, double margin) => pair = PairedReports.Of(first, second, margin);

    /// <summary>The opening sentence, inert.</summary>
    public string Verdict => ComparisonDocument.Headline(pair).Inert;

    /// <summary>The page. The same evaluations give the same bytes.</summary>
    public string Html()
    {
        var sections = ComparisonDocument.Sections(pair);
        var (first, second) = pair.Names;
        var page = new HtmlText();
        PageFrame.Open(page, $"{second} against {first}", $"{second} against {first}", PageAssets.Scripts);
        page.Add($"<p class=\"subtitle\">{(Prose)$"Evaluation {pair.Second.Evaluation} against {pair.First.Evaluation}, paired by problem"}</p>\n<p class=\"headline\">{ComparisonDocument.Headline(pair)}</p>\n");
        PageBlocks.Write(page, ComparisonDocument.KeyNumbers(pair));
        PageBlocks.WriteBody(page, sections);
        page.Add($"</main>\n");
        PageFrame.Close(page, PageAssets.Scripts);
        return page.ToString();
    }
}
