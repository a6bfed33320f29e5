using System.Text.Json.Serialization;

namespace Hindsight.Scoring;

/// <summary>How a problem occurs in training text, from the weakest to the strongest.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OverlapKind>))]
public enum OverlapKind
{
    /// <summary>Not at all, or the problem is too short to be told from chance.</summary>
    None,

    /// <summary>Some of its n-grams of words occur.</summary>
    NGrams,

    /// <summary>All its words occur in a row; case, punctuation and line breaks aside.</summary>
    Normalised,

    /// <summary>Its text occurs character by character.</summary>
    Exact,
}

/// <summary>What of one problem occurs in the training text.</summary>
/// <param name="Kind">The strongest way in which it occurs.</param>
/// <param name="Share">Share of the problem's different n-grams that occur, in [0, 1].</param>
/// <param name="Size">Words in an n-gram: 13, 8 for a problem of fewer words, its own number of words below that; 0 where it was too short to look for.</param>
/// <param name="Line">The line in which the first n-gram ended, from 1; null where none occurs.</param>
public sealed record ProblemOverlap(OverlapKind Kind, double Share, int Size, long? Line)
{
    /// <summary>The file that the line is of, where the text is one of several.</summary>
    public string? File { get; init; }
}
