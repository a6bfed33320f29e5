using System.IO.Compression;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Hindsight.Reporting;

/// <summary>Data that the page unpacks when it is looked at: JSON, in gzip, in base64, so that none of its characters means anything to HTML.</summary>
internal static class Packed
{
    /// <summary>Items in a part of a list: few enough that the first is there at once, and enough to compress well.</summary>
    public const int PartLength = 500;

    public static string Json(Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Optimal, leaveOpen: true))
        using (var json = new Utf8JsonWriter(gzip, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            write(json);
        }
        return Convert.ToBase64String(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <summary>A long list of texts, <see cref="PartLength"/> items to a part that is unpacked by itself; parts are separated by blanks.</summary>
    /// <param name="items">The items, each some texts.</param>
    public static string Parts(IEnumerable<string[]> items) => string.Join(' ', items.Chunk(PartLength).Select(part => Json(json =>
    {
        json.WriteStartArray();
        foreach (var texts in part)
        {
            json.WriteStartArray();
            foreach (var text in texts)
            {
                json.WriteStringValue(text);
            }
            json.WriteEndArray();
        }
        json.WriteEndArray();
    })));
}
