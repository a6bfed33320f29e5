using System.Globalization;

namespace Hindsight.Scoring;

/// <summary>
/// Splits problems into those used for choosing (select) and those the result is claimed on (report). Whole clusters go to one side, by a
/// hash of seed and cluster name: neither the order of problems nor other problems move a cluster across, save that a side left empty is
/// given the cluster whose hash is nearest to it.
/// </summary>
internal static class SelectSplit
{
    /// <returns>By problem: whether it is in the select split. Both sides hold a problem when there are two clusters or more.</returns>
    public static bool[] Of(IReadOnlyList<string> clusters, double selectShare, ulong seed)
    {
        if (!(selectShare > 0 && selectShare < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(selectShare), selectShare, "The select share must lie between 0 and 1.");
        }

        var byHash = clusters.Distinct(StringComparer.Ordinal)
            .Select(cluster => (Name: cluster, Place: new RandomStream(RandomStream.Hash(seed, cluster)).NextDouble()))
            .OrderBy(cluster => cluster.Place).ThenBy(cluster => cluster.Name, StringComparer.Ordinal)
            .ToList();
        var count = byHash.Count(cluster => cluster.Place < selectShare);
        if (byHash.Count > 1)
        {
            count = Math.Clamp(count, 1, byHash.Count - 1);
        }

        var select = byHash.Take(count).Select(cluster => cluster.Name).ToHashSet(StringComparer.Ordinal);
        return [.. clusters.Select(select.Contains)];
    }

    /// <summary>A name for the report side: the same for the same problems in any order, another when one is added or moves.</summary>
    public static string ReportId(IReadOnlyList<string> problemIds, bool[] inSelect)
    {
        var sum = 0UL;
        for (var i = 0; i < problemIds.Count; i++)
        {
            // A sum does not depend on the order.
            sum += inSelect[i] ? 0 : RandomStream.Hash(0, problemIds[i]);
        }

        return sum.ToString("x16", CultureInfo.InvariantCulture);
    }
}
