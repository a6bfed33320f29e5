using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hindsight.Scoring;

namespace Hindsight.Reporting.Tests;

public sealed partial class PageTests
{
    [Fact]
    public void The_same_data_gives_the_same_bytes() =>
        Assert.Equal(ReportPage.Html(SampleReport.Make(), SampleReport.Times), ReportPage.Html(SampleReport.Make(), SampleReport.Times));

    [Fact]
    public void Measured_times_change_only_the_marked_block()
    {
        var without = ReportPage.Html(Hostile.Report(), null);
        var with = ReportPage.Html(Hostile.Report(), SampleReport.Times);

        Assert.NotEqual(without, with);
        Assert.Contains("6,541", with, StringComparison.Ordinal);
        Assert.Equal(Unmeasured(without), Unmeasured(with));
    }

    [Fact]
    public void The_policy_names_every_script_and_style_by_its_hash_and_allows_nothing_else()
    {
        var page = ReportPage.Html(Hostile.Report(), SampleReport.Times);
        var policy = Policy().Match(page).Groups[1].Value.Replace("&#39;", "'", StringComparison.Ordinal);
        var scripts = Script().Matches(page).Select(match => match.Groups[1].Value).ToArray();
        var style = Style().Match(page).Groups[1].Value;

        Assert.Equal(4, scripts.Length);
        Assert.Equal(
            $"default-src 'none'; script-src {string.Join(' ', scripts.Select(Hash))}; style-src {Hash(style)}; base-uri 'none'; form-action 'none'",
            policy);
        Assert.All(scripts, script => Assert.DoesNotContain("\r", script, StringComparison.Ordinal));
        Assert.DoesNotMatch(@"(?m)^\s*(import|export)\b", scripts[2]);
    }

    [Fact]
    public void Hostile_text_makes_no_tag_and_no_attribute()
    {
        var page = WithoutScripts(ReportPage.Html(Hostile.Report(), SampleReport.Times));
        string[] tags = ["!doctype", "html", "head", "meta", "title", "body", "header", "main", "section", "article", "nav", "ul", "li", "a", "h1", "h2", "h3",
            "h4", "p", "pre", "span", "bdi", "div", "dl", "dt", "dd", "figure", "figcaption", "details", "summary", "noscript", "table", "thead", "tbody",
            "tr", "th", "td", "ol", "label", "input", "select", "option", "datalist", "button", "svg", "path", "text"];
        string[] attributes = ["html", "lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "role", "aria-label", "data-plot", "tabindex", "scope", "hidden", "type", "for",
            "data-packed", "data-texts", "data-problems", "data-part", "width", "height", "viewBox", "preserveAspectRatio", "d", "x", "y", "aria-hidden", "list", "autocomplete", "spellcheck", "value", "disabled"];

        var opened = page.Count(letter => letter == '<');
        var parsed = Tag().Matches(page);

        Assert.Equal(opened, parsed.Count);
        Assert.All(parsed, tag =>
        {
            Assert.Contains(tag.Groups["name"].Value.ToLowerInvariant(), tags);
            Assert.All(tag.Groups["attribute"].Captures, attribute => Assert.Contains(attribute.Value, attributes));
        });
        Assert.All(Href().Matches(page), href => Assert.StartsWith("#", href.Groups[1].Value, StringComparison.Ordinal));
    }

    [Fact]
    public void Nothing_in_the_page_is_invisible_or_reorders_text()
    {
        var page = WithoutScripts(ReportPage.Html(Hostile.Report(), SampleReport.Times));
        Assert.DoesNotContain(page.EnumerateRunes(), rune => rune.Value is not '\n' and not '\t' && Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate);
        Assert.Contains("⟨U+202E⟩gnp.exe⟨U+202C⟩", page, StringComparison.Ordinal);
        Assert.Contains("␛[31m", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_that_is_packed_is_invisible_or_reorders_text()
    {
        var packed = Unpack(ReportPage.Html(Hostile.Report(), null), "packed|texts|problems");

        Assert.Equal(5, packed.Count);
        var texts = packed.SelectMany(Strings).ToArray();
        Assert.True(texts.Length > 4 * Hostile.Payloads.Count);
        Assert.All(texts, text => Assert.DoesNotContain(text.EnumerateRunes(), rune => rune.Value is not '\n' and not '\t' && Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate));
        Assert.Contains(texts, text => text.Contains("⟨U+202E⟩gnp.exe⟨U+202C⟩", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_answer_is_packed_with_its_columns_and_texts()
    {
        var data = SampleReport.Make(checkpoints: 6, problems: 13);
        var page = ReportPage.Html(data, null);
        var columns = Unpack(page, "packed")[^1].RootElement;
        var parts = Unpack(page, "texts");
        var texts = parts.SelectMany(part => part.RootElement.EnumerateArray()).ToArray();
        var problems = Unpack(page, "problems").SelectMany(part => part.RootElement.EnumerateArray()).ToArray();
        var answers = data.Answers.ToArray();

        Assert.Equal(6 * 13 * 17, texts.Length);
        Assert.All(parts.SkipLast(1), part => Assert.Equal(Packed.PartLength, part.RootElement.GetArrayLength()));
        for (var i = 0; i < answers.Length; i++)
        {
            var problem = columns.GetProperty("problem")[i].GetInt32();
            Assert.Equal([answers[i].Text, answers[i].Extracted ?? ""], texts[i].EnumerateArray().Select(text => text.GetString()!));
            Assert.Equal(answers[i].ProblemId, columns.GetProperty("problems")[problem].GetString());
            Assert.Equal(data.Problems.Where(text => text.Id == answers[i].ProblemId).SelectMany(text => new[] { text.Question, text.Gold }), problems[problem].EnumerateArray().Select(text => text.GetString()));
            Assert.Equal(answers[i].Variant, columns.GetProperty("variants")[columns.GetProperty("variant")[i].GetInt32()].GetString());
            Assert.Equal(answers[i].FinishReason, columns.GetProperty("finishes")[columns.GetProperty("finish")[i].GetInt32()].GetString());
            Assert.Equal(answers[i].Sample ?? -1, columns.GetProperty("sample")[i].GetInt32());
            Assert.Equal((int)answers[i].Verdict, columns.GetProperty("verdict")[i].GetInt32());
        }
    }

    [Fact]
    public void Long_answers_are_cut_as_little_as_the_size_of_the_page_asks_and_the_page_says_so()
    {
        var data = SampleReport.Make();
        var answers = Enumerable.Range(0, 20_000).Select(i => new ShownAnswer("checkpoint-100", "sum-001", i, Verdict.Wrong, null, "length", 9, new string('x', 4_000))).ToArray();
        var page = ReportPage.Html(data with { Answers = answers }, null);

        Assert.Contains("Texts longer than 1,000 characters are cut in the middle here", page, StringComparison.Ordinal);
        Assert.Contains("3,000 characters left out", Unpack(page, "texts")[0].RootElement[0][0].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_of_many_megabytes_does_not_make_the_page_large()
    {
        var data = SampleReport.Make();
        var huge = new string('x', 10_000_000);
        var page = ReportPage.Html(data with { LostExamples = [new("sum-035", huge, huge, huge, huge, huge)], Answers = [new(huge, huge, 0, Verdict.Wrong, huge, huge, 1, huge)] }, null);

        Assert.True(page.Length < ReportPage.Html(data, null).Length + 50_000, $"The page has {page.Length} characters.");
        Assert.Contains("9,995,000 characters left out", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Evaluations_in_which_almost_everything_is_absent_have_a_page()
    {
        Assert.All(Degenerate.Reports, data =>
        {
            Assert.Contains("class=\"headline\"", ReportPage.Html(data, null), StringComparison.Ordinal);
            Assert.StartsWith("# What", ReportMarkdown.Write(data), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Headings_descend_without_a_gap()
    {
        var levels = Heading().Matches(WithoutScripts(ReportPage.Html(SampleReport.Make(), SampleReport.Times))).Select(match => match.Groups[1].Value[0] - '0').ToArray();
        Assert.Equal(1, levels[0]);
        Assert.Single(levels, level => level == 1);
        Assert.All(levels.Zip(levels.Skip(1)), pair => Assert.True(pair.Second <= pair.First + 1, $"h{pair.First} is followed by h{pair.Second}."));
    }

    private static string Unmeasured(string page)
    {
        var start = page.Split(ReportPage.MeasuredStart + "\n");
        Assert.Equal(2, start.Length);
        var end = start[1].Split(ReportPage.MeasuredEnd + "\n");
        Assert.Equal(2, end.Length);
        return start[0] + end[1];
    }

    /// <summary>All parts of packed attributes, in the order of the page.</summary>
    private static List<JsonDocument> Unpack(string page, string names) =>
    [
        .. Regex.Matches(page, $"data-(?:{names})=\"([^\"]*)\"").SelectMany(match => match.Groups[1].Value.Split(' ')).Select(base64 =>
        {
            using var gzip = new GZipStream(new MemoryStream(Convert.FromBase64String(base64)), CompressionMode.Decompress);
            return JsonDocument.Parse(gzip);
        }),
    ];

    private static IEnumerable<string> Strings(JsonDocument document) => Strings(document.RootElement);

    private static IEnumerable<string> Strings(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => [element.GetString()!],
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Strings),
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property => Strings(property.Value)),
        _ => [],
    };

    private static string WithoutScripts(string page)
    {
        page = Script().Replace(page, "");
        page = Style().Replace(page, "");
        return Comment().Replace(page, "");
    }

    private static string Hash(string text) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";

    [GeneratedRegex("<meta http-equiv=\"Content-Security-Policy\" content=\"([^\"]*)\">")]
    private static partial Regex Policy();

    [GeneratedRegex("<script>(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Script();

    [GeneratedRegex("<style>(.*?)</style>", RegexOptions.Singleline)]
    private static partial Regex Style();

    [GeneratedRegex("<!--.*?-->", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex("</?(?<name>!?[a-zA-Z0-9]+)(?:\\s+(?<attribute>[a-zA-Z-]+)(?:=\"[^\"<>]*\")?)*/?>")]
    private static partial Regex Tag();

    [GeneratedRegex("href=\"([^\"]*)\"")]
    private static partial Regex Href();

    [GeneratedRegex("<h([1-6])[ >]")]
    private static partial Regex Heading();
}
