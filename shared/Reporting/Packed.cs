using System.IO.Compression;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Hindsight.Reporting;

/// <summary>Data that the page unpacks when it is looked at: JSON, in gzip, in base64, so that none of its characters means anything to HTML.</summary>
internal static class Packed
{
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
}
