using System.Numerics;

namespace Hindsight.Scoring;

/// <summary>
/// Looks for problems in training text of any size: one pass, memory for the problems alone. N-grams of words run on across line breaks, so that
/// text that was wrapped anew is found. Each n-gram is a 64-bit hash: one false hit is expected per 10¹⁴ words of text and 10⁵ n-grams of problems.
/// </summary>
public sealed class ContaminationScan
{
    /// <summary>Below this number of words a problem occurs everywhere.</summary>
    public const int FewestWords = 4;

    private const ulong Base = 0x9E3779B97F4A7C15UL;

    private static readonly int[] Sizes = [13, 8];

    private readonly List<Problem> scanned;

    private readonly Dictionary<ulong, NGram> nGrams = [];

    /// <summary>A bit for each of many remainders of hashes: most n-grams of the text are turned down here.</summary>
    private readonly ulong[] filter;

    private readonly Window[] windows;

    /// <summary>The last words of the text, in a ring whose length is a power of two.</summary>
    private readonly ulong[] recent;

    private readonly HashSet<Problem> foundInLine = [];

    private readonly Action<ulong> readWord;

    private readonly int longestWithBreaks;

    private string before = "";

    private long count, lines;

    /// <param name="problems">The problems' texts, as a model is asked them.</param>
    public ContaminationScan(IReadOnlyList<string> problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        scanned = [.. problems.Select(text => new Problem(text))];
        readWord = Read;
        recent = new ulong[BitOperations.RoundUpToPowerOf2((uint)scanned.Select(problem => problem.Words.Length).Append(Sizes[0]).Max() + 1)];
        longestWithBreaks = scanned.Select(problem => problem.Text.Contains('\n', StringComparison.Ordinal) ? problem.Text.Length : 0).Append(0).Max();
        windows = [.. scanned.Select(problem => problem.Size).Where(size => size > 0).Distinct().Select(size => new Window(size))];
        foreach (var problem in scanned.Where(problem => problem.Size > 0))
        {
            var window = new Window(problem.Size);
            for (var i = 0; i < problem.Words.Length; i++)
            {
                window.Push(problem.Words[i], i >= problem.Size ? problem.Words[i - problem.Size] : 0);
                if (i + 1 >= problem.Size)
                {
                    var key = window.Key;
                    if (!nGrams.TryGetValue(key, out var nGram))
                    {
                        nGrams.Add(key, nGram = new NGram());
                    }

                    problem.NGrams.Add(nGram);
                    if (i + 1 == problem.Words.Length)
                    {
                        nGram.Ends.Add(problem);
                    }
                }
            }
        }

        filter = new ulong[BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(nGrams.Count / 4, 1024, 1 << 22))];
        foreach (var key in nGrams.Keys)
        {
            filter[Slot(key)] |= 1UL << (int)(key & 63);
        }
    }

    /// <summary>Reads the next line of the training text, without its line break.</summary>
    public void ReadLine(ReadOnlySpan<char> line)
    {
        lines++;
        WordHash.ForEach(line, readWord);
        if (foundInLine.Count > 0)
        {
            var text = before.Length == 0 ? line.ToString() : before + line.ToString();
            foreach (var problem in foundInLine)
            {
                problem.Kind = problem.Kind == OverlapKind.Exact || text.Contains(problem.Text, StringComparison.Ordinal) ? OverlapKind.Exact : OverlapKind.Normalised;
            }

            foundInLine.Clear();
        }

        if (longestWithBreaks > 0)
        {
            before = line.Length >= longestWithBreaks ? $"{line[^longestWithBreaks..]}\n" : $"{before.AsSpan(Math.Max(0, before.Length + line.Length - longestWithBreaks))}{line}\n";
        }
    }

    /// <summary>What was found so far, by problem.</summary>
    public IReadOnlyList<ProblemOverlap> Overlaps() =>
    [
        .. scanned.Select(problem =>
        {
            var found = problem.NGrams.Where(nGram => nGram.Line is not null).ToList();
            return new ProblemOverlap(
                problem.Kind != OverlapKind.None ? problem.Kind : found.Count > 0 ? OverlapKind.NGrams : OverlapKind.None,
                found.Count == 0 ? 0 : (double)found.Count / problem.NGrams.Count,
                problem.Size,
                found.Count == 0 ? null : found.Min(nGram => nGram.Line));
        }),
    ];

    /// <summary>Looks for problems in lines of training text.</summary>
    public static IReadOnlyList<ProblemOverlap> Find(IReadOnlyList<string> problems, IEnumerable<string> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var scan = new ContaminationScan(problems);
        foreach (var line in lines)
        {
            scan.ReadLine(line);
        }

        return scan.Overlaps();
    }

    private void Read(ulong word)
    {
        var mask = recent.Length - 1;
        recent[count & mask] = word;
        count++;
        foreach (var window in windows)
        {
            window.Push(word, count > window.Size ? recent[(count - 1 - window.Size) & mask] : 0);
            if (count >= window.Size && window.Key is var key && (filter[Slot(key)] & (1UL << (int)(key & 63))) != 0 && nGrams.TryGetValue(key, out var nGram))
            {
                nGram.Line ??= lines;
                foreach (var problem in nGram.Ends)
                {
                    if (problem.Kind != OverlapKind.Exact && EndsWith(problem.Words))
                    {
                        foundInLine.Add(problem);
                    }
                }
            }
        }
    }

    /// <summary>Whether the text so far ends with these words.</summary>
    private bool EndsWith(ulong[] words)
    {
        if (count < words.Length)
        {
            return false;
        }

        for (var i = 0; i < words.Length; i++)
        {
            if (recent[(count - words.Length + i) & (recent.Length - 1)] != words[i])
            {
                return false;
            }
        }

        return true;
    }

    private int Slot(ulong key) => (int)((key >> 6) & (ulong)(filter.Length - 1));

    private sealed class Problem
    {
        public Problem(string text)
        {
            Text = text.Trim().ReplaceLineEndings("\n");
            var words = new List<ulong>();
            WordHash.ForEach(Text, words.Add);
            Words = [.. words];
            Size = Words.Length < FewestWords ? 0 : Sizes.FirstOrDefault(size => size <= Words.Length, Words.Length);
        }

        public string Text { get; }

        public ulong[] Words { get; }

        public int Size { get; }

        public HashSet<NGram> NGrams { get; } = [];

        public OverlapKind Kind { get; set; }
    }

    private sealed class NGram
    {
        /// <summary>The problems whose last n-gram it is.</summary>
        public List<Problem> Ends { get; } = [];

        /// <summary>The first line in which it ends.</summary>
        public long? Line { get; set; }
    }

    /// <summary>A polynomial hash of the last words that rolls along.</summary>
    private sealed class Window(int size)
    {
        private readonly ulong oldest = Power(size);

        private ulong hash;

        public int Size => size;

        /// <summary>The hash, different for windows of different sizes.</summary>
        public ulong Key => WordHash.Spread(hash + (ulong)size);

        public void Push(ulong word, ulong leaving) => hash = (hash * Base) + word - (leaving * oldest);

        private static ulong Power(int exponent)
        {
            var power = 1UL;
            for (var i = 0; i < exponent; i++)
            {
                power *= Base;
            }

            return power;
        }
    }
}
