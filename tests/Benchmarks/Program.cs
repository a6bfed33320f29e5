using Hindsight.Benchmarks;

// Each benchmark takes the arguments that follow its name.
var benchmarks = new SortedDictionary<string, Action<string[]>>(StringComparer.Ordinal)
{
    ["adapters"] = Adapters.Run,
    ["decode"] = Decode.Run,
    ["gpu"] = Gpu.Run,
    ["particles"] = Particles.Run,
    ["precision"] = Precisions.Run,
    ["trajectory"] = Trajectory.Run,
    ["sampling"] = Sampling.Run,
    ["scoring"] = Scoring.Run,
    ["interpolation"] = InterpolationBenchmark.Run,
};

if (args is [var name, .. var rest] && benchmarks.TryGetValue(name, out var run))
{
    Console.WriteLine(Machine.Describe());
    try
    {
        run(rest);
        return 0;
    }
    catch (InvalidDataException fault)
    {
        Console.Error.WriteLine(fault.Message);
        return 1;
    }
}

Console.Error.WriteLine($"Name a benchmark to run: {string.Join(", ", benchmarks.Keys)}.");
return 1;
