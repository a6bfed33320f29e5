using System.CommandLine;
using Hindsight.Models;

namespace Hindsight.Local;

/// <summary><c>merge</c>: writes an interpolation of two checkpoints, or a base with its adapters, as a Hugging Face folder.</summary>
internal static class MergeCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var early = new Argument<string>("EARLY") { Description = "Folder of the early checkpoint, or of the only adapter." };
        var late = new Argument<string?>("LATE")
        {
            Description = "Folder of the late checkpoint; config, tokenizer and precision are taken from it, or from the base.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var weight = new Option<double?>("--early-weight") { Description = "Weight of the early checkpoint, from 0 (the late one) to 1 (the early one)." };
        var baseModel = new Option<string?>("--base") { Description = "Folder of the model that adapters were trained on; EARLY and LATE are then LoRA adapters." };
        var target = new Option<string>("--out") { Description = "Folder to write; it must not exist, or be empty.", Required = true };
        var command = new Command("merge", "Interpolate two checkpoints (WiSE-FT), or merge LoRA adapters into their base, and write a Hugging Face folder.")
        {
            early, late, weight, baseModel, target,
        };
        command.Run((arguments, cancellation) => Task.Run(
            () =>
            {
                Write(
                    arguments.GetRequiredValue(early), arguments.GetValue(late), arguments.GetValue(weight), arguments.GetValue(baseModel),
                    arguments.GetRequiredValue(target), cancellation);
                Console.WriteLine($"Merged: {Path.GetFullPath(arguments.GetRequiredValue(target))}");
                return 0;
            },
            cancellation));
        return command;
    }

    private static void Write(string early, string? late, double? earlyWeight, string? baseModel, string target, CancellationToken cancellation)
    {
        switch (late, earlyWeight, baseModel)
        {
            case (not null, { } weight, null):
                Merge.Write(early, late, weight, target, cancellation);
                break;
            case (not null, { } weight, not null):
                Merge.WriteAdapted(baseModel, early, late, weight, target, cancellation);
                break;
            case (null, null, not null):
                Merge.WriteAdapted(baseModel, early, target, cancellation);
                break;
            case (null, _, null):
                throw new InvalidDataException("A single folder is merged into its base: name that with --base, or name two checkpoints to interpolate.");
            case (null, _, _):
                throw new InvalidDataException("--early-weight is for two folders; name the late one too.");
            default:
                throw new InvalidDataException("Two folders are merged with --early-weight, from 0 (the late one) to 1 (the early one); name it.");
        }
    }
}
