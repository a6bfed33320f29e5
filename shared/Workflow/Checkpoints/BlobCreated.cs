using System.Text.Json;

namespace Hindsight.Workflow;

/// <summary>The part of an Event Grid blob-created event that Intake needs: which blob.</summary>
/// <param name="Container">Container name.</param>
/// <param name="Blob">Blob name within it.</param>
public sealed record BlobCreated(string Container, string Blob)
{
    private const string Prefix = "/blobServices/default/containers/";

    /// <summary>The blob an event speaks of; null when the message is no such event, which is then of no interest.</summary>
    public static BlobCreated? Parse(BinaryData message)
    {
        try
        {
            using var document = JsonDocument.Parse(message.ToMemory(), new JsonDocumentOptions { MaxDepth = 16 });
            var root = document.RootElement.ValueKind == JsonValueKind.Array ? document.RootElement[0] : document.RootElement;
            var subject = root.GetProperty("subject").GetString() ?? "";
            var parts = subject.StartsWith(Prefix, StringComparison.Ordinal)
                ? subject[Prefix.Length..].Split("/blobs/", 2)
                : [];
            return parts.Length == 2 ? new BlobCreated(parts[0], parts[1]) : null;
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    /// <summary>The event as Event Grid writes it, with the fields that <see cref="Parse"/> reads.</summary>
    public BinaryData ToBinaryData() => new(JsonSerializer.SerializeToUtf8Bytes(
        new { subject = $"{Prefix}{Container}/blobs/{Blob}", eventType = "Microsoft.Storage.BlobCreated" }, Json.Compact));
}
