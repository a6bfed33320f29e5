using System.Text.Json;
using Hindsight.Scoring;

namespace Hindsight.Reporting;

/// <summary>Genealogies: the data of some problems, packed, and the controls by which the script draws one of them.</summary>
internal static class PageGenealogy
{
    private const int MostProblems = 60;

    /// <summary>Slots over all rounds: beyond this many the page would grow by megabytes.</summary>
    private const int MostSlots = 400_000;

    private const int AnswerLength = 24;

    /// <summary>The first of them that a page can carry; problems are kept whole.</summary>
    public static IReadOnlyList<ShownGenealogy> Kept(IReadOnlyList<ShownGenealogy> all)
    {
        var kept = new List<ShownGenealogy>();
        var slots = 0L;
        foreach (var problem in all.GroupBy(genealogy => genealogy.ProblemId, StringComparer.Ordinal).Take(MostProblems))
        {
            slots += problem.Sum(genealogy => genealogy.Genealogy.Chains.Sum(chain => chain.Rounds.Sum(round => (long)round.Weights.Count)));
            if (kept.Count > 0 && slots > MostSlots)
            {
                break;
            }
            kept.AddRange(problem);
        }
        return kept;
    }

    public static void Write(HtmlText page, GenealogyPicture picture)
    {
        page.Add($"""
            <figure class="genealogy" data-packed="{Pack(picture.Genealogies)}">
            <div class="filters" role="group" aria-label="Which genealogy" hidden>
            <div class="field"><label for="genealogy-problem">Problem</label><select id="genealogy-problem" name="problem"></select></div>
            <div class="field"><label for="genealogy-method">Method</label><select id="genealogy-method" name="method"></select></div>
            </div>
            <p class="under" role="status"></p>
            <div class="chains"></div>
            <figcaption>{picture.Caption}</figcaption>
            <details><summary>The numbers</summary>

            """);
        PageBlocks.WriteTable(page, picture.Numbers);
        page.Add($"<button type=\"button\" class=\"csv\" hidden>Download CSV</button>\n</details>\n</figure>\n");
    }

    private static string Pack(IReadOnlyList<ShownGenealogy> genealogies) => Packed.Json(json =>
    {
        json.WriteStartArray();
        foreach (var genealogy in genealogies)
        {
            json.WriteStartObject();
            json.WriteString("problem", Inert.Line(genealogy.ProblemId));
            json.WriteString("method", Inert.Line(genealogy.Method));
            json.WriteStartArray("chains");
            foreach (var chain in genealogy.Genealogy.Chains)
            {
                json.WriteStartArray();
                foreach (var round in chain.Rounds)
                {
                    Write(json, round);
                }
                json.WriteEndArray();
            }
            json.WriteEndArray();
            json.WriteStartArray("members");
            foreach (var member in genealogy.Members)
            {
                json.WriteStartArray();
                json.WriteNumberValue((int)member.Answer.Verdict);
                json.WriteStringValue(member.Answer.Answer is { } answer ? Inert.Line(answer, AnswerLength) : "no answer");
                json.WriteEndArray();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    // [weights in thousandths, effective size, log evidence, lineages, ancestors where slots were replaced]
    private static void Write(Utf8JsonWriter json, GenealogyRound round)
    {
        json.WriteStartArray();
        json.WriteStartArray();
        foreach (var weight in round.Weights)
        {
            json.WriteNumberValue(double.IsFinite(weight) ? (int)Math.Round(1000 * Math.Clamp(weight, 0, 1)) : 0);
        }
        json.WriteEndArray();
        Finite(round.EffectiveSampleSize);
        Finite(round.LogEvidence);
        json.WriteNumberValue(round.Lineages);
        if (round.IsResampled)
        {
            json.WriteStartArray();
            foreach (var ancestor in round.Ancestors)
            {
                json.WriteNumberValue(ancestor);
            }
            json.WriteEndArray();
        }
        else
        {
            json.WriteNullValue();
        }
        json.WriteEndArray();

        void Finite(double value)
        {
            if (double.IsFinite(value))
            {
                json.WriteNumberValue(Math.Round(value, 2));
            }
            else
            {
                json.WriteNullValue();
            }
        }
    }
}
