using System.Globalization;
using Hindsight.Generation;

namespace Hindsight.Benchmarks;

/// <summary>The other engines that ours is measured against; none of them is part of the project.</summary>
internal static class Peers
{
    /// <summary>Of ours and of theirs.</summary>
    public const int Threads = 2;

    /// <summary>Where they are looked for if no folder is named.</summary>
    public static string Folder { get; } = Path.Combine(Path.GetTempPath(), "hindsight-benchmarks", "peers");

    /// <summary>One command gets both; a build of llama.cpp of one's own is named with --llama.</summary>
    public static string HowToGetThem =>
        $"To get it: mkdir -p {Folder} && cd {Folder} && npm install --ignore-scripts node-llama-cpp com.github.asus4.onnxruntime-genai@0.4.9 " +
        "&& git clone node_modules/node-llama-cpp/llama/gitRelease.bundle llama.cpp";

    /// <summary>Tries every size of batch and both stores of keys and values once, and leaves llama.cpp at the fastest.</summary>
    public static LlamaCpp.Setting ChooseSetting(LlamaCpp.Model llama, Workload work, Decoding decoding)
    {
        var clock = TimeProvider.System;
        Dictionary<LlamaCpp.Setting, double> rates = [];
        foreach (var unified in new[] { true, false })
        {
            foreach (var rows in new[] { 8, 16, 32, 64 })
            {
                var setting = llama.Setting = new(rows, unified);
                var start = clock.GetTimestamp();
                llama.Draw(work, decoding);
                rates.Add(setting, work.Tokens / clock.GetElapsedTime(start).TotalSeconds);
            }
        }

        Console.WriteLine("llama.cpp, each setting once, tok/s: " + string.Join("; ", rates.Select(rate => string.Create(CultureInfo.InvariantCulture, $"{rate.Key}: {rate.Value:F0}"))));
        return llama.Setting = rates.MaxBy(rate => rate.Value).Key;
    }
}
