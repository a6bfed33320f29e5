using System.CommandLine;
using Hindsight.Models;

namespace Hindsight.Local;

/// <summary><c>merge</c>: writes earlyWeight · early + (1 − earlyWeight) · late as a Hugging Face folder.</summary>
internal static class MergeCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var early = new Argument<string>("EARLY") { Description = "Folder of the early checkpoint." };
        var late = new Argument<string>("LATE") { Description = "Folder of the late checkpoint; config, tokenizer and precision are taken from it." };
        var weight = new Option<double>("--early-weight") { Description = "Weight of the early checkpoint, from 0 (the late one) to 1 (the early one).", Required = true };
        var target = new Option<string>("--out") { Description = "Folder to write; it must not exist, or be empty.", Required = true };
        var command = new Command("merge", "Interpolate two checkpoints (WiSE-FT) and write the result as a Hugging Face folder.") { early, late, weight, target };
        command.Run((arguments, cancellation) => Task.Run(
            () =>
            {
                Merge.Write(arguments.GetRequiredValue(early), arguments.GetRequiredValue(late), arguments.GetRequiredValue(weight), arguments.GetRequiredValue(target));
                Console.WriteLine($"Merged: {Path.GetFullPath(arguments.GetRequiredValue(target))}");
                return 0;
            },
            cancellation));
        return command;
    }
}
