using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;

namespace Hindsight.Standins.Tests;

public sealed class TimerTriggerTests
{
    private static readonly DateTimeOffset evening = new(2026, 3, 1, 21, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_timer_fires_when_its_schedule_says_so_and_only_then()
    {
        var clock = new Clock(evening);
        await using var app = await StartAsync<Nightly>(clock);
        await clock.AdvanceAsync(TimeSpan.FromHours(4.9));
        Assert.Empty(app.Journal.Entries);

        await clock.AdvanceAsync(TimeSpan.FromHours(0.1));
        Assert.Equal(["2026-03-02 02:00, then 2026-03-03 02:00"], await app.Journal.AtLeastAsync(1));

        await clock.AdvanceAsync(TimeSpan.FromHours(24));
        Assert.Equal("2026-03-03 02:00, then 2026-03-04 02:00", (await app.Journal.AtLeastAsync(2))[1]);
    }

    [Fact]
    public async Task A_timer_runs_at_the_start_if_it_asks_to()
    {
        await using var app = await StartAsync<AtStart>(new Clock(evening));
        Assert.Equal(["started"], await app.Journal.AtLeastAsync(1));
    }

    [Fact]
    public async Task A_failing_timer_is_retried_as_its_attribute_says()
    {
        var clock = new Clock(evening);
        await using var app = await StartAsync<Retried>(clock);
        await app.Journal.AtLeastAsync(1);
        await clock.AdvanceAsync(TimeSpan.FromSeconds(10));
        await app.Journal.AtLeastAsync(2);
        await clock.AdvanceAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(["retry 0 of 2", "retry 1 of 2", "retry 2 of 2"], await app.Journal.AtLeastAsync(3));
    }

    [Fact]
    public async Task A_schedule_that_is_none_stops_the_start()
    {
        var e = await Assert.ThrowsAsync<InvalidDataException>(() => FunctionApp.StartAsync([typeof(Nightly)], new() { ["Schedule"] = "every night" }));
        Assert.Contains("every night", e.Message, StringComparison.Ordinal);
    }

    private static Task<FunctionApp> StartAsync<T>(Clock clock) =>
        FunctionApp.StartAsync([typeof(T)], new() { ["Schedule"] = "0 0 2 * * *" }, builder => builder.Services.AddSingleton<TimeProvider>(clock));

    internal sealed class Nightly(Journal journal, TimeProvider clock)
    {
        [Function(nameof(Nightly))]
        public void Run([TimerTrigger("%Schedule%")] TimerInfo timer) =>
            journal.Write(FormattableString.Invariant($"{clock.GetUtcNow():yyyy-MM-dd HH:mm}, then {timer.ScheduleStatus!.Next:yyyy-MM-dd HH:mm}"));
    }

    internal sealed class AtStart(Journal journal)
    {
        [Function(nameof(AtStart))]
        public void Run([TimerTrigger("01:00:00", RunOnStartup = true)] TimerInfo timer) => journal.Write(timer.IsPastDue ? "late" : "started");
    }

    internal sealed class Retried(Journal journal)
    {
        [Function(nameof(Retried))]
        [FixedDelayRetry(2, "00:00:10")]
        public void Run([TimerTrigger("01:00:00", RunOnStartup = true)] TimerInfo timer, FunctionContext context)
        {
            journal.Write($"retry {context.RetryContext.RetryCount} of {context.RetryContext.MaxRetryCount}");
            throw new IOException("not now");
        }
    }

    /// <summary>A clock that stands until it is moved. Moving it waits first until somebody waits for it.</summary>
    private sealed class Clock(DateTimeOffset start) : TimeProvider
    {
        private readonly Lock gate = new();
        private readonly List<Alarm> alarms = [];
        private DateTimeOffset now = start;

        public override DateTimeOffset GetUtcNow()
        {
            lock (gate)
            {
                return now;
            }
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var alarm = new Alarm(this, callback, state);
            alarm.Change(dueTime, period);
            return alarm;
        }

        public async Task AdvanceAsync(TimeSpan time)
        {
            for (var end = DateTime.UtcNow.AddSeconds(20); ; await Task.Delay(10))
            {
                lock (gate)
                {
                    if (alarms.Count > 0)
                    {
                        break;
                    }
                }

                Assert.True(DateTime.UtcNow < end, "nobody waits for the clock");
            }

            List<Alarm> due;
            lock (gate)
            {
                now += time;
                due = [.. alarms.Where(alarm => alarm.Due <= now)];
                alarms.RemoveAll(due.Contains);
            }

            due.ForEach(alarm => alarm.Ring());
        }

        private sealed class Alarm(Clock clock, TimerCallback callback, object? state) : ITimer
        {
            public DateTimeOffset Due { get; private set; }

            public void Ring() => callback(state);

            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                lock (clock.gate)
                {
                    clock.alarms.Remove(this);
                    if (dueTime != Timeout.InfiniteTimeSpan)
                    {
                        Due = clock.now + dueTime;
                        clock.alarms.Add(this);
                    }
                }

                return true;
            }

            public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
