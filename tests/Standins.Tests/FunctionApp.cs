using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Azure.Functions.Worker.Host;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hindsight.Standins.Tests;

/// <summary>A function app with the functions of some classes, its settings, and what the functions wrote down.</summary>
internal sealed class FunctionApp : IAsyncDisposable
{
    private readonly IHost host;

    private FunctionApp(IHost host)
    {
        this.host = host;
        Journal = host.Services.GetRequiredService<Journal>();
        Log = host.Services.GetRequiredService<Log>();
    }

    public IServiceProvider Services => host.Services;

    public Journal Journal { get; }

    public Log Log { get; }

    public static async Task<FunctionApp> StartAsync(
        Type[] classes, Dictionary<string, string?> settings, Action<FunctionsApplicationBuilder>? configure = null)
    {
        var builder = FunctionsApplication.CreateBuilder([]);
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Services.AddSingleton(new FunctionSource(classes));
        builder.Services.AddSingleton<Journal>();
        builder.Services.AddSingleton<Log>();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<ILoggerProvider>(provider => provider.GetRequiredService<Log>());
        configure?.Invoke(builder);
        var app = new FunctionApp(builder.Build());
        try
        {
            await app.host.StartAsync();
            return app;
        }
        catch
        {
            app.host.Dispose();
            throw;
        }
    }

    public Task StopAsync(TimeSpan limit)
    {
        var stop = new CancellationTokenSource(limit);
        return host.StopAsync(stop.Token).ContinueWith(_ => stop.Dispose(), TaskScheduler.Default);
    }

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync();
        host.Dispose();
    }
}

/// <summary>What functions wrote down, in order.</summary>
internal sealed class Journal
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(20);
    private readonly ConcurrentQueue<string> entries = new();

    public IReadOnlyList<string> Entries => [.. entries];

    public void Write(string entry) => entries.Enqueue(entry);

    /// <summary>Waits until there are so many entries.</summary>
    public async Task<IReadOnlyList<string>> AtLeastAsync(int count)
    {
        for (var end = DateTimeOffset.UtcNow + patience; entries.Count < count; await Task.Delay(20))
        {
            Assert.True(DateTimeOffset.UtcNow < end, string.Create(CultureInfo.InvariantCulture, $"{count} entries were awaited and came: {string.Join(" | ", entries)}"));
        }

        return Entries;
    }
}

internal sealed class Log : ILoggerProvider
{
    private readonly ConcurrentQueue<string> lines = new();

    public IReadOnlyList<string> Lines => [.. lines];

    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, lines);

    public void Dispose()
    {
    }

    private sealed class Logger(string category, ConcurrentQueue<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue($"{logLevel} {category}: {formatter(state, exception)} [{exception?.GetType().Name}]");
    }
}
