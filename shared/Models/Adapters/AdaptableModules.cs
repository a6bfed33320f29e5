namespace Hindsight.Models;

/// <summary>A linear map of a base model, y = x Wᵀ + b.</summary>
/// <param name="Name">Its module in PEFT's eyes, such as model.layers.0.self_attn.q_proj.</param>
/// <param name="From">Inputs.</param>
/// <param name="To">Outputs.</param>
/// <param name="InputsFirst">The weight is kept as [in, out] (Conv1D) instead of [out, in].</param>
/// <param name="IsTied">Its weight is the embedding's.</param>
internal sealed record LinearModule(string Name, long From, long To, bool InputsFirst, bool IsTied)
{
    public string Weight => $"{Name}.weight";

    public string Bias => $"{Name}.bias";
}

/// <summary>What an adapter can change of a base model, read off its graph: no list of names to keep up with the families.</summary>
/// <param name="Linears">In the order of the graph; the output head is called lm_head even where its weight is the embedding's.</param>
/// <param name="Embeddings">Modules of tables [rows, size].</param>
/// <param name="TokenEmbedding">The one of <paramref name="Embeddings"/> that token ids look up.</param>
/// <param name="Parameters">Shapes of all weights.</param>
internal sealed record AdaptableModules(
    IReadOnlyList<LinearModule> Linears,
    IReadOnlyDictionary<string, (long Rows, long Size)> Embeddings,
    string TokenEmbedding,
    IReadOnlyDictionary<string, long[]> Parameters)
{
    public const string Head = "lm_head";

    private const string WeightSuffix = ".weight";

    public static AdaptableModules Of(Graph graph)
    {
        var tables = graph.Nodes
            .Where(node => node.Operator is Gather && node.Inputs[0].Node.Operator is Parameter)
            .Select(node => (Parameter)node.Inputs[0].Node.Operator)
            .Distinct()
            .ToDictionary(table => Module(table.Name), table => (table.Shape[0].Factor, table.Shape[1].Factor));
        var linears = graph.Nodes
            .Where(node => node.Operator is LinearMap && node.Inputs[1].Node.Operator is Parameter)
            .Select(node => Linear((Parameter)node.Inputs[1].Node.Operator, ((LinearMap)node.Operator).Transposed, tables.ContainsKey));
        return new(
            [.. linears],
            tables,
            tables.Keys.First(),
            graph.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Shape.Select(dim => dim.Factor).ToArray()));
    }

    /// <summary>The module that holds a weight.</summary>
    public static string Module(string weight) => weight[..weight.LastIndexOf('.')];

    private static LinearModule Linear(Parameter weight, bool inputsFirst, Func<string, bool> isTable)
    {
        var module = weight.Name.EndsWith(WeightSuffix, StringComparison.Ordinal) ? Module(weight.Name) : weight.Name;
        var (from, to) = inputsFirst ? (weight.Shape[0].Factor, weight.Shape[1].Factor) : (weight.Shape[1].Factor, weight.Shape[0].Factor);
        return new(isTable(module) ? Head : module, from, to, inputsFirst, IsTied: isTable(module));
    }
}
