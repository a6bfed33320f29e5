using System.Globalization;

namespace Microsoft.Azure.Functions.Worker;

/// <summary>Retries by the host itself: on timers only (of the triggers here). -1 retries for ever.</summary>
[AttributeUsage(AttributeTargets.Method)]
public abstract class RetryAttribute : Attribute
{
    public int MaxRetryCount { get; protected init; }

    internal abstract TimeSpan DelayBefore(int retry);
}

public sealed class FixedDelayRetryAttribute : RetryAttribute
{
    private readonly TimeSpan delay;

    public FixedDelayRetryAttribute(int maxRetryCount, string delayInterval)
    {
        MaxRetryCount = maxRetryCount;
        DelayInterval = delayInterval;
        delay = TimeSpan.Parse(delayInterval, CultureInfo.InvariantCulture);
    }

    public string DelayInterval { get; }

    internal override TimeSpan DelayBefore(int retry) => delay;
}

public sealed class ExponentialBackoffRetryAttribute : RetryAttribute
{
    private readonly TimeSpan least;
    private readonly TimeSpan most;

    public ExponentialBackoffRetryAttribute(int maxRetryCount, string minimumInterval, string maximumInterval)
    {
        MaxRetryCount = maxRetryCount;
        MinimumInterval = minimumInterval;
        MaximumInterval = maximumInterval;
        least = TimeSpan.Parse(minimumInterval, CultureInfo.InvariantCulture);
        most = TimeSpan.Parse(maximumInterval, CultureInfo.InvariantCulture);
    }

    public string MinimumInterval { get; }

    public string MaximumInterval { get; }

    internal override TimeSpan DelayBefore(int retry) => least * Math.Pow(2, Math.Min(retry - 1, 30)) is var delay && delay < most ? delay : most;
}
