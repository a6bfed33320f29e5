namespace Hindsight.Reporting;

/// <summary>
/// What every page begins and ends with. A page is one file that needs no network: its content security policy lets run exactly the scripts and
/// the style written here, by hash; untrusted text stands only in text nodes and in encoded attributes.
/// </summary>
internal static class PageFrame
{
    /// <summary>From the document type to the opened header, which the caller closes.</summary>
    /// <param name="page">The page.</param>
    /// <param name="tab">What a browser's tab shows.</param>
    /// <param name="heading">The first heading.</param>
    /// <param name="scripts">The scripts that may run.</param>
    public static void Open(HtmlText page, string tab, Prose heading, IReadOnlyList<string> scripts)
    {
        page.Add($"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="{PageAssets.Policy(scripts)}">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="referrer" content="no-referrer">
            <title>{Inert.Line(tab)} · Hindsight</title>
            <style>
            """);
        page.AddVerbatim(PageAssets.Style);
        page.Add($"""
            </style>
            </head>
            <body>
            <header>
            <p class="product">Hindsight</p>
            <h1>{heading}</h1>

            """);
    }

    /// <summary>The scripts, and the end of the document.</summary>
    public static void Close(HtmlText page, IReadOnlyList<string> scripts)
    {
        if (scripts.Count > 0)
        {
            page.Add($"<!--\nThe plots are drawn by Vega and Vega-Lite.\n\n");
            page.AddVerbatim(PageAssets.Licences);
            page.Add($"-->\n");
        }
        foreach (var script in scripts)
        {
            page.Add($"<script>");
            page.AddVerbatim(script);
            page.Add($"</script>\n");
        }
        page.Add($"</body>\n</html>\n");
    }
}
