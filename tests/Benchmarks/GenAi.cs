using System.Runtime.InteropServices;
using Hindsight.Generation;
using Hindsight.Models;

namespace Hindsight.Benchmarks;

/// <summary>A model that ONNX Runtime GenAI has read. All rows of a batch begin together, each with the whole prompt.</summary>
internal sealed unsafe class GenAi : IPeer
{
    /// <summary>More rows are refused by it.</summary>
    private const int MostRows = 32;

    private readonly nint library;
    private readonly nint model;

    private readonly int vocabulary;

    private GenAi(nint library, string folder, int vocabulary)
    {
        (this.library, this.vocabulary) = (library, vocabulary);
        using var path = new Utf8(folder);
        nint created;
        Check(((delegate* unmanaged<byte*, nint*, nint>)Function("OgaCreateModel"))(path.Pointer, &created));
        model = created;
    }

    /// <summary>Opens a model with the library that lies in a folder, at any depth.</summary>
    /// <param name="folder">Where the npm package com.github.asus4.onnxruntime-genai was installed.</param>
    /// <returns>Null where there is no library; the reason is printed.</returns>
    public static GenAi? Open(string folder, RandomModel model, Precision precision)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true };
        var path = !Directory.Exists(folder) ? null : Directory.EnumerateFiles(folder, "libonnxruntime-genai.so", options).FirstOrDefault();
        if (path is null)
        {
            Console.WriteLine($"ONNX Runtime GenAI is left out: {folder} does not have its library. {Peers.HowToGetThem}");
            return null;
        }

        // It takes the ONNX Runtime that is loaded already: ours.
        return new(NativeLibrary.Load(path), GenAiModel.Folder(model, precision), model.Vocabulary);
    }

    /// <summary>Prompts one after the other, the samples of each in batches of up to 32 rows.</summary>
    public IReadOnlyList<int[]> Draw(Workload work, Decoding decoding)
    {
        var answers = new List<int[]>();
        for (var prompt = 0; prompt < work.Prompts.Count; prompt++)
        {
            for (var left = work.Samples; left > 0; left -= MostRows)
            {
                answers.AddRange(DrawBatch(work.Prompts[prompt], work.AnswerLengths[prompt], Math.Min(left, MostRows), answers.Count, decoding));
            }
        }

        return answers;
    }

    public float[] Logits(int[] prompt)
    {
        float[]? logits = null;
        Generate(prompt, 1, 1, 0, new(), generator =>
        {
            using var name = new Utf8(ModelGraph.Logits);
            nint tensor;
            float* values;
            Check(((delegate* unmanaged<nint, byte*, nint*, nint>)Function("OgaGenerator_GetOutput"))(generator, name.Pointer, &tensor));
            Check(((delegate* unmanaged<nint, float**, nint>)Function("OgaTensorGetData"))(tensor, &values));
            logits = new ReadOnlySpan<float>(values, vocabulary).ToArray();
            ((delegate* unmanaged<nint, void>)Function("OgaDestroyTensor"))(tensor);
        });
        return logits!;
    }

    public void Dispose() => ((delegate* unmanaged<nint, void>)Function("OgaDestroyModel"))(model);

    private List<int[]> DrawBatch(int[] prompt, int length, int rows, int seed, Decoding decoding)
    {
        var answers = new List<int[]>();
        Generate(prompt, length, rows, seed, decoding, generator =>
        {
            var count = (delegate* unmanaged<nint, nuint, nuint>)Function("OgaGenerator_GetSequenceCount");
            var data = (delegate* unmanaged<nint, nuint, int*>)Function("OgaGenerator_GetSequenceData");
            for (var row = 0; row < rows; row++)
            {
                answers.Add([.. new ReadOnlySpan<int>(data(generator, (nuint)row), (int)count(generator, (nuint)row))[prompt.Length..]]);
            }
        });
        return answers;
    }

    private void Generate(int[] prompt, int length, int rows, int seed, Decoding decoding, Action<nint> take)
    {
        nint parameters, generator = 0;
        Check(((delegate* unmanaged<nint, nint*, nint>)Function("OgaCreateGeneratorParams"))(model, &parameters));
        try
        {
            Set(parameters, "batch_size", rows);
            Set(parameters, "max_length", prompt.Length + length);
            if (length > 1)
            {
                // Else a token that happens to be the end of text would end an answer. The last token may be it.
                Set(parameters, "min_length", prompt.Length + length);
            }

            Set(parameters, "random_seed", seed);
            Set(parameters, "do_sample", decoding.Temperature > 0);
            if (decoding.Temperature > 0)
            {
                Set(parameters, "temperature", decoding.Temperature);
                Set(parameters, "top_k", decoding.TopK);
                Set(parameters, "top_p", decoding.TopP);
            }

            Check(((delegate* unmanaged<nint, nint, nint*, nint>)Function("OgaCreateGenerator"))(model, parameters, &generator));
            int[] ids = [.. Enumerable.Repeat(prompt, rows).SelectMany(ids => ids)];
            fixed (int* idsAt = ids)
            {
                Check(((delegate* unmanaged<nint, int*, nuint, nint>)Function("OgaGenerator_AppendTokens"))(generator, idsAt, (nuint)ids.Length));
            }

            var next = (delegate* unmanaged<nint, nint>)Function("OgaGenerator_GenerateNextToken");
            for (var token = 0; token < length; token++)
            {
                Check(next(generator));
            }

            take(generator);
        }
        finally
        {
            if (generator != 0)
            {
                ((delegate* unmanaged<nint, void>)Function("OgaDestroyGenerator"))(generator);
            }

            ((delegate* unmanaged<nint, void>)Function("OgaDestroyGeneratorParams"))(parameters);
        }
    }

    private void Set(nint parameters, string option, double value)
    {
        using var name = new Utf8(option);
        Check(((delegate* unmanaged<nint, byte*, double, nint>)Function("OgaGeneratorParamsSetSearchNumber"))(parameters, name.Pointer, value));
    }

    private void Set(nint parameters, string option, bool value)
    {
        using var name = new Utf8(option);
        Check(((delegate* unmanaged<nint, byte*, byte, nint>)Function("OgaGeneratorParamsSetSearchBool"))(parameters, name.Pointer, value ? (byte)1 : (byte)0));
    }

    private nint Function(string name) => NativeLibrary.GetExport(library, name);

    private void Check(nint result)
    {
        if (result != 0)
        {
            var message = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint, nint>)Function("OgaResultGetError"))(result));
            ((delegate* unmanaged<nint, void>)Function("OgaDestroyResult"))(result);
            throw new InvalidOperationException($"ONNX Runtime GenAI: {message}");
        }
    }
}
