using System.Text;

namespace Hindsight.Models.Tests.Checkpoints;

/// <summary>Seeded damage to a file: flipped, removed, repeated and inserted bytes, and pieces of JSON that parsers trip over.</summary>
internal sealed class Mutations(int seed)
{
    private static readonly byte[][] Pieces = [.. new[]
    {
        "-1", "0", "1e400", "9223372036854775807", "18446744073709551616", "null", "true", "{}", "[]", "[[", "\"", "\\ud800", "\\u0000", ":", ",", "1.5",
        "\"__metadata__\"", "\"shape\"", "\"dtype\"", " ", "\0", "\uFEFF", "NaN",
    }.Select(Encoding.UTF8.GetBytes)];

    private readonly Random random = new(seed);

    public byte[] Of(byte[] original)
    {
        var bytes = original.ToList();
        for (var change = random.Next(1, 4); change > 0 && bytes.Count > 0; change--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 12), bytes.Count - at));
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 60), bytes.Count - at)));
                    break;
                case 4:
                    bytes.InsertRange(at, Pieces[random.Next(Pieces.Length)]);
                    break;
                default:
                    var piece = Pieces[random.Next(Pieces.Length)];
                    bytes.RemoveRange(at, Math.Min(piece.Length, bytes.Count - at));
                    bytes.InsertRange(at, piece);
                    break;
            }
        }

        return [.. bytes];
    }
}
