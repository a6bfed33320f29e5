using Azure;
using Azure.Messaging.ServiceBus;

namespace Hindsight.Workflow;

/// <summary>Tells errors that may pass by themselves from those that come back.</summary>
internal static class Failures
{
    /// <summary>Whether the storage, the bus, the network or the disk failed, or the work was stopped: the same work may succeed later.</summary>
    public static bool IsTransient(Exception exception) => exception switch
    {
        InvalidDataException => false,
        OperationCanceledException or RequestFailedException or ServiceBusException or TimeoutException or IOException => true,
        AggregateException aggregate => aggregate.InnerExceptions.All(IsTransient),
        _ => false,
    };

    /// <summary>One sentence for a person.</summary>
    public static string Sentence(Exception exception) =>
        exception is InvalidDataException ? exception.Message : $"{exception.GetType().Name}: {exception.Message}";
}
