using System.Globalization;
using System.Runtime.InteropServices;

namespace Hindsight.Models;

/// <summary>
/// earlyWeight · early + (1 − earlyWeight) · late, tensor by tensor and block by block (WiSE-FT, Wortsman et al. 2022). The weights 0 and
/// 1 give one parent's values bit for bit.
/// </summary>
internal sealed class Interpolation
{
    private const int Piece = 2048;

    private readonly Checkpoint early;
    private readonly Checkpoint late;
    private readonly double earlyWeight;

    /// <exception cref="InvalidDataException">
    /// The weight is not in [0, 1], or the checkpoints differ in their config or tokenizer; the message names the first difference.
    /// </exception>
    public Interpolation(Checkpoint early, Checkpoint late, double earlyWeight)
    {
        if (!(earlyWeight is >= 0 and <= 1))
        {
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"The early weight is {earlyWeight}; it must be from 0 to 1."));
        }

        // Equal configs demand equal names and shapes, which Checkpoint.Open has checked.
        foreach (var field in typeof(ModelConfig).GetProperties())
        {
            var (ofEarly, ofLate) = (field.GetValue(early.Config), field.GetValue(late.Config));
            if (!Equals(ofEarly, ofLate))
            {
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                    $"{early.Folder} and {late.Folder} cannot be interpolated: {field.Name} is {ofEarly} in the first and {ofLate} in the second."));
            }
        }

        if (TokenizerDifference.First(early.Folder, late.Folder) is { } difference)
        {
            throw new InvalidDataException($"{early.Folder} and {late.Folder} cannot be interpolated: their {CheckpointFiles.Tokenizer} differ at {difference}.");
        }

        (this.early, this.late, this.earlyWeight) = (early, late, earlyWeight);
    }

    /// <summary>The parent that the weight leaves alone, or null where both count.</summary>
    public Checkpoint? Only => earlyWeight switch { 0 => late, 1 => early, _ => null };

    /// <summary>Interpolates the elements of a tensor from <paramref name="start"/> on.</summary>
    /// <exception cref="InvalidDataException">A weight is not finite; the message names the tensor and its file.</exception>
    public void Read(string name, long start, Span<float> target)
    {
        if (Only is { } only)
        {
            only[name].ReadInto(start, target);
            return;
        }

        // Adding 0 · early would lose the sign of a late −0; that is why the end points are read alone.
        var (ofEarly, ofLate) = (early[name], late[name]);
        if (!Interpolated(ofEarly, ofLate, start, target))
        {
            ofEarly.RequireFinite(start, target.Length);
            ofLate.RequireFinite(start, target.Length);
        }
    }

    private bool Interpolated(StoredTensor ofEarly, StoredTensor ofLate, long start, Span<float> target)
    {
        if (ofEarly.Info.Type == StoredType.BF16 && ofLate.Info.Type == StoredType.BF16)
        {
            return Precision.Interpolate(
                MemoryMarshal.Cast<byte, ushort>(ofEarly.Bytes(start, target.Length)),
                MemoryMarshal.Cast<byte, ushort>(ofLate.Bytes(start, target.Length)), earlyWeight, target);
        }

        // Small pieces stay in the innermost cache between widening and adding.
        var finite = true;
        Span<float> widened = stackalloc float[Piece];
        for (var done = 0; done < target.Length; done += Piece)
        {
            var piece = target.Slice(done, Math.Min(Piece, target.Length - done));
            finite &= Precision.Interpolate(
                ofEarly.Widened(start + done, piece.Length, widened), ofLate.Widened(start + done, piece.Length, piece), earlyWeight, piece);
        }

        return finite;
    }
}
