using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace Hindsight.Reporting;

/// <summary>The style and the scripts that pages carry in themselves.</summary>
internal static class PageAssets
{
    /// <summary>The style of every page.</summary>
    public static string Style { get; } = Resource("report.css");

    /// <summary>The plot library, its evaluator that needs no eval, and our own lines, which are one script: they share names with nobody.</summary>
    public static IReadOnlyList<string> Scripts { get; } = [Resource("vega.js"), Resource("vega-lite.js"), Interpreter(), Own()];

    /// <summary>Licences of the plot library.</summary>
    public static string Licences { get; } = Resource("vega.license") + "\n" + Resource("vega-lite.license");

    /// <summary>Allows exactly these scripts and the style, by their hashes, and nothing from anywhere.</summary>
    public static string Policy(IReadOnlyList<string> scripts) =>
        $"default-src 'none'; script-src {(scripts.Count == 0 ? "'none'" : string.Join(' ', scripts.Select(Hash)))}; style-src {Hash(Style)}; base-uri 'none'; form-action 'none'";

    // Browsers hash the text after turning CR LF into LF. Source maps would be fetched from beside the file by developer tools.
    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var lines = reader.ReadToEnd().ReplaceLineEndings("\n").Split('\n');
        return string.Join('\n', lines.Where(line => !line.StartsWith("//# sourceMappingURL", StringComparison.Ordinal)));
    }

    private static string Own() =>
        "(() => {\n\"use strict\";\n" + string.Concat(new[] { "packed.js", "csv.js", "paging.js", "answers.js", "heat-map.js", "genealogy.js", "plots.js" }.Select(Resource)) + "})();\n";

    // The interpreter ships as a module, which could only import Vega from an address; its one import and one export become plain assignments.
    private static string Interpreter() => "(() => {\n" + Resource("vega-interpreter.js")
        .Replace("import {", "const {", StringComparison.Ordinal).Replace("} from 'vega-util';", "} = vega;", StringComparison.Ordinal)
        .Replace("export { expression as expressionInterpreter };", "vega.expressionInterpreter = expression;", StringComparison.Ordinal) + "})();\n";

    private static string Hash(string text) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";
}
