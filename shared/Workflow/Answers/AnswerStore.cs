using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;

namespace Hindsight.Workflow;

/// <summary>
/// Answers, addressed by what made them: weights, decoding, prompt, sample index. Planning is set subtraction against it, and nothing
/// in it is ever overwritten: where two workers drew the same answer, the copy that was stored first stands.
/// </summary>
public sealed class AnswerStore(BlobStore store)
{
    private const int ReadsAtOnce = 16;

    /// <summary>Stores answers of one source to one prompt, with contiguous ascending sample indices.</summary>
    public async Task WriteAsync(AnswerSource source, string prompt, IReadOnlyList<Answer> answers, CancellationToken cancellation)
    {
        var lines = new StringBuilder();
        foreach (var answer in answers)
        {
            lines.Append(JsonSerializer.Serialize(answer, Json.Compact)).Append('\n');
        }

        var name = string.Create(CultureInfo.InvariantCulture, $"{Prefix(source)}{prompt}/{answers[0].Sample:D6}-{answers[^1].Sample:D6}.jsonl");
        await BlobStore.TryCreateAsync(store.Answers.GetBlobClient(name), new BinaryData(lines.ToString()), cancellation);
    }

    /// <summary>Which sample indices are stored, by prompt digest.</summary>
    public async Task<IReadOnlyDictionary<string, IReadOnlySet<int>>> ListAsync(AnswerSource source, CancellationToken cancellation)
    {
        var stored = new Dictionary<string, IReadOnlySet<int>>();
        foreach (var blob in await BlobStore.ListAsync(store.Answers, Prefix(source), cancellation))
        {
            var (prompt, first, last) = ParseName(blob.Name);
            var samples = (HashSet<int>)(stored.TryGetValue(prompt, out var known) ? known : stored[prompt] = new HashSet<int>());
            samples.UnionWith(Enumerable.Range(first, last - first + 1));
        }

        return stored;
    }

    /// <summary>The stored answers of one source, by prompt digest and sample index.</summary>
    public async Task<IReadOnlyDictionary<(string Prompt, int Sample), Answer>> ReadAsync(
        AnswerSource source, IReadOnlySet<string> prompts, CancellationToken cancellation)
    {
        var blobs = (await BlobStore.ListAsync(store.Answers, Prefix(source), cancellation))
            .Where(blob => prompts.Contains(ParseName(blob.Name).Prompt))
            .OrderBy(blob => blob.Properties.CreatedOn ?? DateTimeOffset.MaxValue)
            .ThenBy(blob => blob.Name, StringComparer.Ordinal)
            .ToList();
        var contents = new ConcurrentDictionary<int, IReadOnlyList<Answer>>();
        await Parallel.ForAsync(
            0, blobs.Count, new ParallelOptions { MaxDegreeOfParallelism = ReadsAtOnce, CancellationToken = cancellation },
            async (index, token) => contents[index] = await ReadAsync(blobs[index], source, token));

        var answers = new Dictionary<(string, int), Answer>();
        for (var index = 0; index < blobs.Count; index++)
        {
            foreach (var answer in contents[index])
            {
                answers.TryAdd((answer.Prompt, answer.Sample), answer);
            }
        }

        return answers;
    }

    /// <summary>How far the populations of a prompt had come when it was last stored; null when nothing is.</summary>
    internal Task<PopulationProgress?> ReadProgressAsync(AnswerSource source, string prompt, CancellationToken cancellation) =>
        BlobStore.TryReadJsonAsync<PopulationProgress>(ProgressBlob(source, prompt), cancellation);

    /// <summary>Stores how far the populations of a prompt have come. Whoever draws them draws the same: the last one to write is right.</summary>
    internal Task WriteProgressAsync(AnswerSource source, string prompt, PopulationProgress progress, CancellationToken cancellation) =>
        ProgressBlob(source, prompt).UploadAsync(new BinaryData(JsonSerializer.SerializeToUtf8Bytes(progress, Json.Compact)), overwrite: true, cancellation);

    /// <summary>Drops what is needed no more when the answers are stored.</summary>
    internal Task ForgetProgressAsync(AnswerSource source, string prompt, CancellationToken cancellation) =>
        ProgressBlob(source, prompt).DeleteIfExistsAsync(cancellationToken: cancellation);

    private BlobClient ProgressBlob(AnswerSource source, string prompt) => store.Answers.GetBlobClient($"rounds/{Prefix(source)}{prompt}.json");

    private async Task<IReadOnlyList<Answer>> ReadAsync(BlobItem blob, AnswerSource source, CancellationToken cancellation)
    {
        var content = (await store.Answers.GetBlobClient(blob.Name).DownloadContentAsync(cancellation)).Value.Content.ToString();
        var answers = content.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<Answer>(line, Json.Compact)!).ToList();
        var (prompt, _, _) = ParseName(blob.Name);
        return answers.All(answer => answer.Weights == source.Weights && answer.Decoding == source.Decoding && answer.Prompt == prompt)
            ? answers
            : throw new InvalidDataException(
                $"The stored answers {blob.Name} say that other weights, prompt or decoding made them; delete that blob and evaluate again.");
    }

    private static string Prefix(AnswerSource source) => $"{source.Weights}/{source.Decoding}/";

    private static (string Prompt, int First, int Last) ParseName(string name)
    {
        var parts = name.Split('/');
        var range = parts[3].Split('.')[0].Split('-');
        return (parts[2], int.Parse(range[0], CultureInfo.InvariantCulture), int.Parse(range[1], CultureInfo.InvariantCulture));
    }
}
