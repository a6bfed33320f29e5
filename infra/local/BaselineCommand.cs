using System.CommandLine;
using Hindsight.Workflow;

namespace Hindsight.Local;

/// <summary><c>baseline</c>: a person says what a run's nights are compared with. Nothing else does.</summary>
internal static class BaselineCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var run = new Argument<string>("RUN") { Description = "The run's name." };
        var evaluation = new Argument<string>("EVALUATION") { Description = "Id of an evaluation that has a report; 'status' names the present one." };
        var connection = Storage.ConnectionOption();
        var command = new Command("baseline", "Choose the evaluation that a run's nights are compared with.") { run, evaluation, connection };
        command.Run(async (arguments, cancellation) =>
        {
            var (name, id) = (arguments.GetRequiredValue(run), arguments.GetRequiredValue(evaluation));
            await using var storage = await Storage.OpenAsync(arguments.GetValue(connection), share: true, cancellation);
            await new Baselines(storage.Blobs, TimeProvider.System).MoveAsync(name, id, cancellation);
            Console.WriteLine($"The nights of {name} are compared with evaluation {id} from now on.");
            return 0;
        });
        return command;
    }
}
