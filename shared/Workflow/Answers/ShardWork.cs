using Hindsight.Generation;

namespace Hindsight.Workflow;

/// <summary>Answers to draw, or to score, from one variant to one prompt, and where they belong.</summary>
internal sealed record ShardWork(
    AnswerKind Kind, Variant Variant, CheckpointText Text, AnswerSource Source, Problem Problem, string Prompt, IReadOnlyList<int> PromptIds,
    IReadOnlyList<int> Samples, Decoding Decoding)
{
    /// <summary>Most samples of one problem that are stored at once, when the last of them is drawn: what a lost worker can cost.</summary>
    private const int StoredTogether = 64;

    /// <summary>Equal where token ids mean the same and the same ones end an answer.</summary>
    public string TokensDigest { get; } = Digest.OfJson(new { Variant.Late.TokenizerDigest, Text.EosIds });

    /// <summary>What is not stored yet of a shard.</summary>
    public static async Task<List<ShardWork>> MissingAsync(
        Evaluation evaluation, Suite suite, IReadOnlyList<Variant> variants, Shard shard, CheckpointCache cache, AnswerStore answers, CancellationToken cancellation)
    {
        var spec = evaluation.Spec;
        var work = new List<ShardWork>();
        var texts = new Dictionary<int, CheckpointText>();
        var stored = new Dictionary<AnswerSource, IReadOnlyDictionary<string, IReadOnlySet<int>>>();
        foreach (var wanted in shard.Wanted)
        {
            var variant = variants[wanted.Variant];
            if (!texts.TryGetValue(wanted.Variant, out var text))
            {
                texts[wanted.Variant] = text = await cache.ReadTextAsync(evaluation.Run, variant.Late, cancellation);
            }

            var source = text.Source(variant, evaluation, wanted.Kind);
            if (!stored.TryGetValue(source, out var known))
            {
                stored[source] = known = await answers.ListAsync(source, cancellation);
            }

            var problem = suite.Problems[wanted.Problem];
            if (text.Write(problem, spec).Prompt is not { } prompt)
            {
                continue;
            }

            var have = known.GetValueOrDefault(prompt.Digest);
            var decoding = CheckpointText.Decoding(variant, spec, wanted.Kind);
            if (wanted.Kind == AnswerKind.Particles)
            {
                if (EvaluationPlanner.Gaps(have, wanted.Count).Any())
                {
                    work.Add(new ShardWork(wanted.Kind, variant, text, source, problem, prompt.Digest, prompt.Ids, [.. Enumerable.Range(0, wanted.Count)], decoding));
                }

                continue;
            }

            work.AddRange(EvaluationPlanner.Gaps(have, wanted.First + wanted.Count)
                .Select(gap => (First: Math.Max(gap.First, wanted.First), End: gap.First + gap.Count))
                .Where(gap => gap.End > gap.First)
                .SelectMany(gap => Enumerable.Range(gap.First, gap.End - gap.First).Chunk(StoredTogether))
                .Select(samples => new ShardWork(wanted.Kind, variant, text, source, problem, prompt.Digest, prompt.Ids, samples, decoding)));
        }

        // A final checkpoint is often the last one again, under another name: what is stored once is drawn once.
        return [.. work.DistinctBy(item => (item.Source, item.Prompt, item.Samples[0]))];
    }
}
