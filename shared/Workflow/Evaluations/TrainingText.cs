using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Hindsight.Scoring;

namespace Hindsight.Workflow;

/// <summary>A file of text that the run was trained on, by content.</summary>
/// <param name="Name">Its name beside <c>evaluation.json</c>, in the run's folder.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="Sha256">Their digest.</param>
public sealed record TrainingFile(string Name, long Size, string Sha256);

/// <summary>
/// Reads training text: of a <c>.jsonl</c> file every string in every line, whatever its field; of any other file the lines. It may be larger
/// than memory and is never held whole.
/// </summary>
public static class TrainingText
{
    /// <summary>Most bytes of one file.</summary>
    public const long LargestFile = 4L << 30;

    /// <summary>Most files.</summary>
    public const int MostFiles = 16;

    private const int LongestLine = 16 << 20;

    /// <summary>What a file of a run holds now; null when there is no such file. Its digest is kept, so that it is read once for each upload.</summary>
    /// <exception cref="InvalidDataException">It is too large, or no text.</exception>
    internal static async Task<TrainingFile?> FindAsync(BlobStore store, string run, string name, CancellationToken cancellation)
    {
        var blob = store.Checkpoints.GetBlobClient($"{run}/{name}");
        BlobProperties there;
        try
        {
            there = await blob.GetPropertiesAsync(cancellationToken: cancellation);
        }
        catch (RequestFailedException exception) when (exception.Status == 404)
        {
            return null;
        }

        CheckSize($"{run}/{name}", there.ContentLength);
        var digest = store.Evaluations.GetBlobClient($"training/{run}/{name}.json");
        if (await BlobStore.TryReadJsonAsync<Known>(digest, cancellation) is { } known && known.Version == there.ETag.ToString())
        {
            return new TrainingFile(name, there.ContentLength, known.Sha256);
        }

        await using var content = await OpenAsync(blob, there.ETag, cancellation);
        var sha256 = await ReadAsync(content, $"{run}/{name}", _ => { }, cancellation);
        await digest.UploadAsync(BinaryData.FromObjectAsJson(new Known(there.ETag.ToString(), sha256), Json.Compact), overwrite: true, cancellation);
        return new TrainingFile(name, there.ContentLength, sha256);
    }

    /// <summary>What of each problem of a suite occurs in an evaluation's training text.</summary>
    /// <exception cref="IOException">A file is no longer what was frozen.</exception>
    internal static async Task<IReadOnlyList<ProblemOverlap>> ScanAsync(BlobStore store, Evaluation evaluation, Suite suite, CancellationToken cancellation)
    {
        var scan = new ContaminationScan([.. suite.Problems.Select(problem => problem.Question)]);
        var (line, ends) = (0L, new List<(string Name, long First)>());
        foreach (var file in evaluation.TrainingText ?? [])
        {
            ends.Add((file.Name, line));
            await using var content = await OpenAsync(store.Checkpoints.GetBlobClient($"{evaluation.Run}/{file.Name}"), null, cancellation);
            var sha256 = await ReadAsync(
                content, $"{evaluation.Run}/{file.Name}",
                text =>
                {
                    scan.ReadLine(text);
                    line++;
                },
                cancellation);
            if (sha256 != file.Sha256)
            {
                throw new IOException($"{evaluation.Run}/{file.Name} was uploaded anew while it was looked through.");
            }
        }

        return
        [
            .. scan.Overlaps().Select(overlap => overlap.Line is { } found && ends.FindLast(file => file.First < found) is var file
                ? overlap with { File = file.Name, Line = found - file.First }
                : overlap),
        ];
    }

    /// <summary>Refuses a file that is too large.</summary>
    /// <exception cref="InvalidDataException">It is.</exception>
    public static void CheckSize(string name, long size)
    {
        if (size > LargestFile)
        {
            throw new InvalidDataException($"{name} has {size} bytes, more than the {LargestFile} that are looked through of one file of training text; split it.");
        }
    }

    /// <summary>Hands over the text of each line; of a JSONL line its strings, each on a line of its own.</summary>
    /// <returns>The SHA-256 of the bytes.</returns>
    /// <exception cref="InvalidDataException">It is not UTF-8, a line is too long, or a line of a JSONL file is not JSON.</exception>
    internal static async Task<string> ReadAsync(Stream content, string name, Action<string> line, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var isJson = name.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase);
        var (buffer, kept, number) = (new byte[1 << 16], 0, 0L);
        while (true)
        {
            var read = await content.ReadAsync(buffer.AsMemory(kept), cancellation);
            hash.AppendData(buffer, kept, read);
            var (from, searched, end) = (0, kept, kept + read);
            for (int to; (to = buffer.AsSpan(searched, end - searched).IndexOf((byte)'\n')) >= 0; from = searched)
            {
                Take(buffer.AsSpan(from, searched + to - from));
                searched += to + 1;
            }

            kept = end - from;
            buffer.AsSpan(from, kept).CopyTo(buffer);
            if (read == 0)
            {
                if (kept > 0)
                {
                    Take(buffer.AsSpan(0, kept));
                }

                return Convert.ToHexStringLower(hash.GetHashAndReset());
            }

            if (kept == buffer.Length)
            {
                if (kept >= LongestLine)
                {
                    throw Refused("is longer than 16 MiB; break it");
                }

                Array.Resize(ref buffer, buffer.Length * 2);
            }
        }

        void Take(ReadOnlySpan<byte> bytes)
        {
            number++;
            if (number == 1 && bytes.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
            {
                bytes = bytes[3..];
            }

            if (bytes.Contains((byte)0))
            {
                throw Refused("holds binary data; give plain text, or JSONL in a file that ends in .jsonl");
            }

            try
            {
                line(isJson ? Strings(bytes) : Strict.GetString(bytes.TrimEnd((byte)'\r')));
            }
            catch (DecoderFallbackException)
            {
                throw Refused("is not UTF-8 text; save the file as UTF-8");
            }
            catch (JsonException)
            {
                throw Refused("is not JSON; write one JSON value per line, or name a file of plain text something else than .jsonl");
            }
            catch (InvalidOperationException)
            {
                throw Refused("has a broken Unicode escape");
            }
        }

        InvalidDataException Refused(string why) =>
            new(string.Create(CultureInfo.InvariantCulture, $"The training text {name}, line {Math.Max(1, number)}, {why}."));
    }

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>All strings that are values, in order, a line break between them.</summary>
    private static string Strings(ReadOnlySpan<byte> json)
    {
        if (json.Trim(" \t\r"u8).IsEmpty)
        {
            return "";
        }

        var text = new StringBuilder();
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.String)
            {
                text.Append(text.Length == 0 ? "" : "\n").Append(reader.GetString());
            }
        }

        return text.ToString().ReplaceLineEndings("\n");
    }

    private static async Task<Stream> OpenAsync(BlobClient blob, ETag? version, CancellationToken cancellation)
    {
        try
        {
            return (await blob.DownloadStreamingAsync(new BlobDownloadOptions { Conditions = version is { } tag ? new() { IfMatch = tag } : null }, cancellation)).Value.Content;
        }
        catch (RequestFailedException exception) when (exception.Status is 404 or 412)
        {
            throw new IOException($"{blob.Name} was uploaded anew, or deleted, while it was looked through.", exception);
        }
    }

    /// <summary>The digest of the upload that has this version.</summary>
    private sealed record Known(string Version, string Sha256);
}
