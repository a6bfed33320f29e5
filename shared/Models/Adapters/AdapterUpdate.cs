using System.Globalization;

namespace Hindsight.Models;

/// <summary>
/// What is added to a base model: one adapter, or earlyWeight · early + (1 − earlyWeight) · late of two adapters of one base (WiSE-FT,
/// Wortsman et al. 2022). It is the mean of the updates themselves, whose factors stand side by side; a mean of factors would be a mean
/// of nothing. The adapters must stay open while it is used.
/// </summary>
public sealed class AdapterUpdate
{
    public AdapterUpdate(Adapter adapter) => Parts = [(adapter, 1)];

    /// <param name="early">The early adapter.</param>
    /// <param name="late">The late adapter.</param>
    /// <param name="earlyWeight">The share of the early one, from 0 to 1; 0 and 1 are one adapter alone, bit for bit.</param>
    /// <exception cref="InvalidDataException">
    /// The adapters differ in base or tokenizer (the first difference is named), or <paramref name="earlyWeight"/> is not in [0, 1].
    /// </exception>
    public AdapterUpdate(Adapter early, Adapter late, double earlyWeight)
    {
        Interpolation.CheckWeight(earlyWeight);
        Interpolation.CheckSame(early.BaseConfig, late.BaseConfig, early.Folder, late.Folder);
        if (early.HasTokenizer && late.HasTokenizer)
        {
            Interpolation.CheckTokenizers(early.Folder, late.Folder);
        }

        Parts = earlyWeight switch
        {
            0 => [(late, 1)],
            1 => [(early, 1)],
            _ => [(early, earlyWeight), (late, 1 - earlyWeight)],
        };
    }

    /// <inheritdoc cref="Adapter.IsLowRank"/>
    public bool IsLowRank => Parts.All(part => part.Adapter.IsLowRank);

    /// <summary>The linear maps that it changes.</summary>
    public IReadOnlySet<string> Modules => LowRank.Select(part => part.Update.Module).ToHashSet(StringComparer.Ordinal);

    /// <summary>One adapter, or an early one before a late one; the weights add up to 1.</summary>
    internal IReadOnlyList<(Adapter Adapter, double Weight)> Parts { get; }

    /// <summary>The low-rank updates of all parts.</summary>
    internal IEnumerable<(LowRankUpdate Update, double Weight)> LowRank =>
        Parts.SelectMany(part => part.Adapter.Updates.OfType<LowRankUpdate>().Select(update => (update, part.Weight)));

    /// <summary>The greatest rank of a module's update: the sum of the parts'.</summary>
    internal int Rank => LowRank.GroupBy(part => part.Update.Module).Select(parts => parts.Sum(part => part.Update.Rank)).DefaultIfEmpty().Max();

    public override string ToString() => Parts is [var (early, weight), var (late, _)]
        ? string.Create(CultureInfo.InvariantCulture, $"{weight} · {early.Folder} + {1 - weight} · {late.Folder}")
        : Parts[0].Adapter.Folder;
}
