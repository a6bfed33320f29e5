namespace Hindsight.Models;

/// <summary>The numbers in which a model's linear maps are computed; all else is float32.</summary>
public enum Precision
{
    /// <summary>As the reference.</summary>
    Float32,

    /// <summary>
    /// Weights as 8-bit integers with a scale for each output, inputs with a scale for each row at each run (W8A8): a row's result does
    /// not depend on the rows beside it. Opt-in, on the CPU.
    /// </summary>
    Int8,
}
