using Hindsight.Models;

namespace Hindsight.Workflow;

/// <summary>Settings of the pipeline (section <c>Workflow</c> of the app's configuration).</summary>
public sealed record WorkflowOptions
{
    /// <summary>A folder without <c>upload.json</c> counts as complete once its newest file is this old. Default 60 seconds.</summary>
    public TimeSpan Settle { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Device time that a shard aims at. Default 3 minutes.</summary>
    public TimeSpan ShardTime { get; set; } = TimeSpan.FromMinutes(3);

    /// <summary>A shard without a sign of life for this long is offered again. Default 10 minutes.</summary>
    public TimeSpan ShardLost { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How often a lost shard is offered again before it is given up. Default 3.</summary>
    public int ShardOffers { get; set; } = 3;

    /// <summary>Failed attempts at a shard before it is given up. Default 5.</summary>
    public int ShardAttempts { get; set; } = 5;

    /// <summary>Where workers keep the checkpoints they downloaded. Default a folder in the temporary folder.</summary>
    public string CacheFolder { get; set; } = Path.Combine(Path.GetTempPath(), "hindsight");

    /// <summary>What a worker computes on: <c>cpu</c> or <c>cuda</c>. Default cpu.</summary>
    public Device Device { get; set; }

    /// <summary>Threads that decode; 0 is all processors.</summary>
    public int Threads { get; set; }

    /// <summary>
    /// Bytes of its device's memory that a worker's weights, keys and values may take together; 0 is most of what the machine or the
    /// container has, or what is free on the GPU when the worker starts.
    /// </summary>
    public long Memory { get; set; }
}
