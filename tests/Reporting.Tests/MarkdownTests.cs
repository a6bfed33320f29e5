using System.Text;
using Hindsight.Scoring;

namespace Hindsight.Reporting.Tests;

public sealed class MarkdownTests
{
    [Fact]
    public void The_same_data_gives_the_same_bytes() => Assert.Equal(ReportMarkdown.Write(SampleReport.Make()), ReportMarkdown.Write(SampleReport.Make()));

    [Fact]
    public void Hostile_text_stands_in_code_only()
    {
        var prose = Prose(ReportMarkdown.Write(HostileScores()), out _);

        foreach (var sign in new[] { "hacked", "evil", "<", "javascript", "# not a heading", "\r", "\u202e", "\u001b", "gnp" })
        {
            Assert.DoesNotContain(sign, prose, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Answers_full_of_backticks_come_out_whole()
    {
        var answer = "```\nprint(`x`)\n``````\n# end";
        var data = SampleReport.Make() with { LostExamples = [new("sum-035", "checkpoint-100", answer, "greedy", "plain", "sample 0")] };

        Prose(ReportMarkdown.Write(data), out var blocks);

        Assert.Contains(answer, blocks);
    }

    [Fact]
    public void Every_row_of_a_table_has_as_many_cells_as_its_header()
    {
        var width = 0;
        foreach (var line in Prose(ReportMarkdown.Write(HostileScores()), out _).Split('\n'))
        {
            // Code spans are blanked, so what bars are left are the table's own.
            var cells = line.StartsWith('|') ? line.Replace("\\|", "", StringComparison.Ordinal).Count(letter => letter == '|') : 0;
            Assert.True(cells == 0 || width == 0 || cells == width, line);
            width = cells;
        }
    }

    [Fact]
    public void It_says_of_each_device_whether_answers_depend_on_their_neighbours()
    {
        var data = SampleReport.Make() with { Devices = [new("CPU (X64)", true), new("GPU (H100)", false)] };

        var markdown = ReportMarkdown.Write(data);

        Assert.Contains("On `CPU (X64)` an answer cannot differ with its neighbours in a batch", markdown, StringComparison.Ordinal);
        Assert.Contains("On `GPU (H100)` an answer may differ with its neighbours in a batch", markdown, StringComparison.Ordinal);
    }

    [Fact]
    public void It_says_what_the_page_says()
    {
        var data = SampleReport.Make();
        var markdown = ReportMarkdown.Write(data);
        foreach (var section in Document.Sections(data))
        {
            Assert.Contains($"\n## {section.Title}\n", markdown, StringComparison.Ordinal);
        }
        Assert.Contains("`checkpoint-800`, solves", markdown, StringComparison.Ordinal);
    }

    /// <summary>Computed scores with payloads wherever a name can stand.</summary>
    private static ReportData HostileScores()
    {
        var next = 0;
        string Take() => Hostile.Payloads[next++ % Hostile.Payloads.Count];
        var (report, scores) = (Hostile.Report(), ScoredSample.Scores);
        return report with
        {
            Scores = report.Scores with
            {
                SampledSteps = [.. scores.SampledSteps.Select(step => step with { From = Take(), To = Take() })],
                ForgettingNull = scores.ForgettingNull,
                Retention = scores.Retention,
                RecoveredProblems = Hostile.Payloads,
                Comparisons = [.. scores.Comparisons.Select(Family)],
                Selections = [.. scores.Selections.Select(Choice)],
                ReportSplit = Take(),
                EarlyWeights = report.Scores.EarlyWeights! with { Selection = Choice(scores.EarlyWeights!.Selection!), ReportSplit = Take() },
                Methods = [.. Hostile.Payloads.Select(text => new ScoreMethod(text, Take(), Take(), Take()))],
            },
        };

        ComparisonFamily Family(ComparisonFamily family) =>
            family with { Members = [.. family.Members.Select(member => member with { Of = Take(), Against = Take() })] };

        Selection Choice(Selection selection) => selection with
        {
            Choice = Take(), Score = Take(), Gains = Family(selection.Gains), Candidates = [.. selection.Candidates.Select(candidate => candidate with { Name = Take() })],
        };
    }

    /// <summary>What a reader of CommonMark takes for prose: fenced blocks and code spans are taken out.</summary>
    private static string Prose(string markdown, out List<string> blocks)
    {
        blocks = [];
        var prose = new StringBuilder();
        string? fence = null;
        var block = new List<string>();
        foreach (var line in markdown.Split('\n'))
        {
            var ticks = line.TakeWhile(letter => letter == '`').Count();
            if (fence is not null)
            {
                if (ticks >= fence.Length && line.Trim('`', ' ').Length == 0)
                {
                    fence = null;
                    blocks.Add(string.Join('\n', block));
                    block.Clear();
                }
                else
                {
                    block.Add(line);
                }
            }
            else if (ticks >= 3 && !line[ticks..].Contains('`', StringComparison.Ordinal))
            {
                fence = line[..ticks];
            }
            else
            {
                prose.Append(WithoutSpans(line)).Append('\n');
            }
        }
        Assert.Null(fence);
        return prose.ToString();
    }

    private static string WithoutSpans(string line)
    {
        var prose = new StringBuilder();
        for (var i = 0; i < line.Length;)
        {
            var ticks = line.AsSpan(i).IndexOfAnyExcept('`') is var run && run < 0 ? line.Length - i : run;
            if (ticks == 0)
            {
                prose.Append(line[i++]);
                continue;
            }
            var end = i + ticks;
            while (end < line.Length)
            {
                var closing = line.AsSpan(end).IndexOfAnyExcept('`') is var length && length < 0 ? line.Length - end : length;
                end += Math.Max(closing, 1);
                if (closing == ticks)
                {
                    break;
                }
            }
            i = end;
        }
        return prose.ToString();
    }
}
