using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Workflow;

/// <summary>A reward model in memory. Kept from shard to shard of the stages that need it.</summary>
internal sealed class LoadedReward : IDisposable
{
    private readonly Weights weights;

    private LoadedReward(string digest, Weights weights, RewardModel model, ModelConfig config)
    {
        (Digest, this.weights, Model, ScoresSteps, Positions) = (digest, weights, model, config.Reward!.ScoresSteps, config.MaxPositions);
    }

    /// <summary>Of the model and of how answers are shown to it.</summary>
    public string Digest { get; }

    public RewardModel Model { get; }

    /// <summary>Whether it scores single steps.</summary>
    public bool ScoresSteps { get; }

    /// <summary>The longest text that it can read at all, in tokens.</summary>
    public int Positions { get; }

    /// <summary>How an evaluation's reward model reads, which takes no weights.</summary>
    public static async Task<(RewardText Text, ModelConfig Config)> ReadTextAsync(Evaluation evaluation, CheckpointCache cache, CancellationToken cancellation)
    {
        var (model, spec) = (evaluation.RewardModel!, evaluation.Spec.RewardModel!);
        var folder = await cache.FetchAsync(CheckpointBlobs.Models, model, weights: false, cancellation);
        var config = await cache.ReadConfigAsync(CheckpointBlobs.Models, model, cancellation);
        return (RewardText.Load(folder, config.Reward!, spec.Separator), config);
    }

    /// <summary>Refuses a reward model that could score nothing, before anything is drawn for it.</summary>
    /// <exception cref="InvalidDataException">Its separator, label or template does not work; the message names the reward model and the field.</exception>
    public static async Task CheckAsync(Evaluation evaluation, Suite suite, CheckpointCache cache, CancellationToken cancellation)
    {
        if (evaluation.RewardModel is not { } model)
        {
            return;
        }

        try
        {
            var (text, config) = await ReadTextAsync(evaluation, cache, cancellation);
            RewardModel.LabelOf(config.Reward!, evaluation.Spec.RewardModel!.Label);
            RewardModel.Length(text, text.Read(suite.Problems[0].Conversation), [""]);
        }
        catch (InvalidDataException exception)
        {
            var named = cache.InUploadedNames(exception, CheckpointBlobs.Models, [model]);
            throw new InvalidDataException($"The reward model {CheckpointBlobs.Models}/{model.Name} cannot be used as {EvaluationFreezer.FileName} asks: {named.Message}", exception);
        }
    }

    /// <summary>What a reward model takes, before anything is loaded.</summary>
    /// <exception cref="InvalidDataException">It does not fit.</exception>
    public static EngineMemory Plan(ModelConfig config, EngineOptions options) => EngineMemory.Plan(config, PrecisionOn(options.Device), options);

    /// <summary>Loads the reward model of an evaluation.</summary>
    /// <param name="evaluation">Which names it.</param>
    /// <param name="options">The room there is for it; <see cref="EngineOptions.MaxLength"/> in its own tokens.</param>
    /// <param name="cache">Where its files are.</param>
    /// <param name="cancellation">Stops the download.</param>
    /// <exception cref="InvalidDataException">It is malformed or too large, or its separator is not one token.</exception>
    public static async Task<LoadedReward> LoadAsync(Evaluation evaluation, EngineOptions options, CheckpointCache cache, CancellationToken cancellation)
    {
        var (text, config) = await ReadTextAsync(evaluation, cache, cancellation);
        var memory = Plan(config, options);
        var folder = await cache.FetchAsync(CheckpointBlobs.Models, evaluation.RewardModel!, weights: true, cancellation);
        return await Task.Run(
            () =>
            {
                using var checkpoint = Checkpoint.Open(folder);
                var weights = Weights.Load(checkpoint, PrecisionOn(options.Device));
                try
                {
                    var model = new RewardModel(weights, text, memory.Rows, options, evaluation.Spec.RewardModel!.Label);
                    return new LoadedReward(evaluation.RewardDigest!, weights, model, config);
                }
                catch
                {
                    weights.Dispose();
                    throw;
                }
            },
            CancellationToken.None);
    }

    private static Precision PrecisionOn(Device device) => device == Device.Cuda ? Precision.BFloat16 : Precision.Float32;

    public void Dispose()
    {
        Model.Dispose();
        weights.Dispose();
    }
}
