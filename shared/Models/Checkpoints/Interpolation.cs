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
        CheckWeight(earlyWeight);
        // Equal configs demand equal names and shapes, which Checkpoint.Open has checked.
        CheckSame(early.Config, late.Config, early.Folder, late.Folder);
        CheckTokenizers(early.Folder, late.Folder);
        (this.early, this.late, this.earlyWeight) = (early, late, earlyWeight);
    }

    /// <summary>The parent that the weight leaves alone, or null where both count.</summary>
    public Checkpoint? Only => earlyWeight switch { 0 => late, 1 => early, _ => null };

    /// <exception cref="InvalidDataException">It is not in [0, 1].</exception>
    public static void CheckWeight(double earlyWeight)
    {
        if (!(earlyWeight is >= 0 and <= 1))
        {
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"The early weight is {earlyWeight}; it must be from 0 to 1."));
        }
    }

    /// <param name="config">One model's config.</param>
    /// <param name="other">The other's.</param>
    /// <param name="folder">Where the one lies, for the message.</param>
    /// <param name="otherFolder">Where the other lies.</param>
    /// <param name="purpose">What is to be done with the two.</param>
    /// <exception cref="InvalidDataException">The configs differ; the first field that does is named.</exception>
    public static void CheckSame(ModelConfig config, ModelConfig other, string folder, string otherFolder, string purpose = "interpolated")
    {
        foreach (var field in typeof(ModelConfig).GetProperties())
        {
            var (value, otherValue) = (field.GetValue(config), field.GetValue(other));
            if (!Equals(value, otherValue))
            {
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                    $"{folder} and {otherFolder} cannot be {purpose}: {field.Name} is {value} in the first and {otherValue} in the second."));
            }
        }
    }

    /// <exception cref="InvalidDataException">The tokenizers of two folders differ; the first difference is named.</exception>
    public static void CheckTokenizers(string folder, string otherFolder)
    {
        if (TokenizerDifference.First(folder, otherFolder) is { } difference)
        {
            throw new InvalidDataException($"{folder} and {otherFolder} cannot be interpolated: their {CheckpointFiles.Tokenizer} differ at {difference}.");
        }
    }

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
            return ElementWise.Interpolate(
                MemoryMarshal.Cast<byte, ushort>(ofEarly.Bytes(start, target.Length)),
                MemoryMarshal.Cast<byte, ushort>(ofLate.Bytes(start, target.Length)), earlyWeight, target);
        }

        // Small pieces stay in the innermost cache between widening and adding.
        var finite = true;
        Span<float> widened = stackalloc float[Piece];
        for (var done = 0; done < target.Length; done += Piece)
        {
            var piece = target.Slice(done, Math.Min(Piece, target.Length - done));
            finite &= ElementWise.Interpolate(
                ofEarly.Widened(start + done, piece.Length, widened), ofLate.Widened(start + done, piece.Length, piece), earlyWeight, piece);
        }

        return finite;
    }
}
