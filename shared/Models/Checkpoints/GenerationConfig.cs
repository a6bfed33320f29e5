namespace Hindsight.Models;

/// <summary>Where a model's answers begin and end.</summary>
/// <param name="EosTokenIds">
/// Token ids that end an answer, in the order given. An id outside the vocabulary is kept: it can never be drawn.
/// </param>
/// <param name="BosTokenId">The id that begins a text, where there is one.</param>
public sealed record GenerationConfig(IReadOnlyList<int> EosTokenIds, int? BosTokenId)
{
    /// <summary>Reads a model folder's generation_config.json, and its config.json for what that does not say.</summary>
    /// <exception cref="InvalidDataException">A file is missing or malformed.</exception>
    public static GenerationConfig Load(string folder)
    {
        var config = Checkpoint.Inside(folder, CheckpointFiles.Config);
        var generation = Path.Combine(folder, CheckpointFiles.GenerationConfig);
        var own = File.Exists(generation) ? StrictJson.ReadFile(Checkpoint.Inside(folder, CheckpointFiles.GenerationConfig)) : null;
        return Parse(StrictJson.ReadFile(config), config, own, generation);
    }

    /// <summary>Reads generation_config.json, and config.json for what it does not say.</summary>
    /// <param name="config">The content of config.json.</param>
    /// <param name="configName">Its name for messages.</param>
    /// <param name="generation">The content of generation_config.json, or null where there is none.</param>
    /// <param name="generationName">Its name for messages.</param>
    /// <exception cref="InvalidDataException">An id is not a whole number.</exception>
    public static GenerationConfig Parse(ReadOnlyMemory<byte> config, string configName, byte[]? generation, string generationName)
    {
        var fallback = Ids(config, configName);
        if (generation is not { } own)
        {
            return new GenerationConfig(fallback.Eos, fallback.Bos);
        }

        var ids = Ids(own, generationName);
        return new GenerationConfig(ids.Eos.Length > 0 ? ids.Eos : fallback.Eos, ids.Bos ?? fallback.Bos);
    }

    private static (int[] Eos, int? Bos) Ids(ReadOnlyMemory<byte> utf8, string name) => StrictJson.Read(utf8, name, root =>
    {
        var fields = new JsonFields(root, name);
        var bos = fields.TokenIds("bos_token_id");
        return ((int[])[.. fields.TokenIds("eos_token_id").Distinct()], bos.Length > 0 ? bos[0] : (int?)null);
    });
}
