namespace Hindsight.Models;

/// <summary>What computes a model.</summary>
public enum Device
{
    Cpu,

    /// <summary>The first NVIDIA GPU that the process sees.</summary>
    Cuda,
}
