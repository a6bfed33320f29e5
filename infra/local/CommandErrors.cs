using System.CommandLine;

namespace Hindsight.Local;

/// <summary>How commands end: 0 when done, 1 with one sentence on standard error when something is wrong, 130 when interrupted.</summary>
internal static class CommandErrors
{
    /// <summary>What a command returns when it was interrupted.</summary>
    public const int Interrupted = 130;

    /// <summary>Sets what a command does.</summary>
    public static void Run(this Command command, Func<ParseResult, CancellationToken, Task<int>> action) =>
        command.SetAction(async (arguments, cancellation) =>
        {
            try
            {
                return await action(arguments, cancellation);
            }
            catch (Exception exception) when (exception is InvalidDataException or InvalidOperationException or IOException or UnauthorizedAccessException)
            {
                Say(exception.Message);
                return 1;
            }
            catch (AggregateException exception)
            {
                Say(exception.GetBaseException().Message.Split('\n')[0]);
                return 1;
            }
            catch (Azure.RequestFailedException exception)
            {
                Say($"The storage account answered: {exception.Message.Split('\n')[0]}");
                return 1;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                Say("Stopped. The same command goes on where this one stopped.");
                return Interrupted;
            }
        });

    /// <summary>One sentence on standard error. What comes from files and models is made inert: control characters could drive the terminal.</summary>
    public static void Say(string sentence) => Console.Error.WriteLine(Inert(sentence));

    /// <summary>A text without control and bidirectional formatting characters.</summary>
    public static string Inert(string text) =>
        string.Concat(text.Select(c => char.IsControl(c) || c is >= '\u202A' and <= '\u202E' or >= '\u2066' and <= '\u2069' ? ' ' : c));
}
