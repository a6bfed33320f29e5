using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text.Json;

namespace Hindsight.Generation.Tests;

/// <summary>The tokenizers of tests/data, loaded once each.</summary>
internal static class TokenizerFolder
{
    private static readonly ConcurrentDictionary<string, Lazy<TextTokenizer>> Loaded = [];

    public static TextTokenizer Tokenizer(string name) => Loaded.GetOrAdd(name, static key => new Lazy<TextTokenizer>(() => Load(key))).Value;

    public static IEnumerable<JsonElement> Rows(string name, string file) =>
        File.ReadLines(TestData.PathTo("tokenizers", name, file)).Select(line => JsonElement.Parse(line));

    public static int[] Ids(this JsonElement row, string field) => [.. row.GetProperty(field).EnumerateArray().Select(id => id.GetInt32())];

    public static string Text(this JsonElement row, string field) => row.GetProperty(field).GetString()!;

    /// <summary>Loads a tokenizer.json of the given content.</summary>
    public static TextTokenizer FromJson(string json)
    {
        var folder = Directory.CreateTempSubdirectory("hindsight-tokenizer-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "tokenizer.json"), json);
            return TextTokenizer.Load(folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static TextTokenizer Load(string name)
    {
        var compressed = TestData.PathTo("tokenizers", name, "tokenizer.json.gz");
        if (!File.Exists(compressed))
            return TextTokenizer.Load(TestData.PathTo("tokenizers", name));
        using var stream = new GZipStream(File.OpenRead(compressed), CompressionMode.Decompress);
        using var reader = new StreamReader(stream);
        return FromJson(reader.ReadToEnd());
    }
}
