using System.Globalization;
using Microsoft.Extensions.Logging;
using NCrontab;

namespace Microsoft.Azure.Functions.Worker.Host;

/// <summary>Runs a function whenever its schedule says so, never twice at once. Times are UTC.</summary>
internal sealed class TimerListener(
    Function function, string schedule, bool runOnStartup, HostSettings settings, FunctionInvoker invoker, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan longestDelay = TimeSpan.FromDays(1);
    private readonly Func<DateTime, DateTime> next = Parse(function.Name, schedule);

    public Func<Task> Loop(CancellationToken stopping) => async () =>
    {
        try
        {
            var last = default(DateTime);
            if (runOnStartup)
            {
                await FireAsync(last, stopping).ConfigureAwait(false);
                last = Now;
            }

            for (var due = next(Now); ; due = next(Now > due ? Now : due))
            {
                // Timers cannot wait for months, and may wake a moment early.
                while (due - Now is { Ticks: > 0 } left)
                {
                    await Task.Delay(left < longestDelay ? left : longestDelay, clock, stopping).ConfigureAwait(false);
                }

                await FireAsync(last, stopping).ConfigureAwait(false);
                last = due;
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
    };

    private DateTime Now => clock.GetUtcNow().UtcDateTime;

    private async Task FireAsync(DateTime last, CancellationToken stopping)
    {
        var info = new TimerInfo { ScheduleStatus = new ScheduleStatus { Last = last, LastUpdated = last, Next = next(Now) } };
        for (var retry = 0; ; retry++)
        {
            try
            {
                using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(stopping);
                if (settings.FunctionTimeout is { } limit)
                {
                    cancellation.CancelAfter(limit);
                }

                await invoker.InvokeAsync(new Invocation(function, info, new Dictionary<string, object?>(), cancellation.Token) { Retries = retry }).ConfigureAwait(false);
                return;
            }
            catch (Exception e)
            {
                stopping.ThrowIfCancellationRequested();
                logger.LogWarning(e, "{Function} failed: {Error}", function.Name, e.Message);
                if (function.Retry is not { } policy || (policy.MaxRetryCount >= 0 && retry >= policy.MaxRetryCount))
                {
                    return;
                }

                await Task.Delay(policy.DelayBefore(retry + 1), clock, stopping).ConfigureAwait(false);
            }
        }
    }

    private static Func<DateTime, DateTime> Parse(string function, string schedule)
    {
        if (TimeSpan.TryParse(schedule, CultureInfo.InvariantCulture, out var interval) && interval > TimeSpan.Zero && schedule.Contains(':', StringComparison.Ordinal))
        {
            return now => now + interval;
        }

        var withSeconds = schedule.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length == 6;
        return CrontabSchedule.TryParse(schedule, new CrontabSchedule.ParseOptions { IncludingSeconds = withSeconds }) is { } cron
            ? now => cron.GetNextOccurrence(now)
            : throw new InvalidDataException($"The schedule '{schedule}' of the function {function} is neither six cron fields nor a time span.");
    }
}
