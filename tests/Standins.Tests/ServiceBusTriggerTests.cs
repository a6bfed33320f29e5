using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Azure.Messaging.ServiceBus;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.Azure.Functions.Worker.OpenTelemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace Hindsight.Standins.Tests;

public sealed class ServiceBusTriggerTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>
{
    private static readonly TimeSpan soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_message_runs_the_function_and_is_completed_when_it_returns()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client(lockSeconds: 1);
        await using (var app = await StartAsync<Recorder>(queue, lockSeconds: 1))
        {
            await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("""{"name":"n","count":3}""") { MessageId = "m" });

            Assert.Equal(["Recorder m n 3 1"], await app.Journal.AtLeastAsync(1));
        }

        Assert.Null(await client.CreateReceiver(queue).ReceiveMessageAsync(TimeSpan.FromSeconds(1.5)));
    }

    [Fact]
    public async Task A_body_is_bound_as_text_bytes_or_record()
    {
        var (text, bytes, record) = (azurite.NewName(), azurite.NewName(), azurite.NewName());
        await using var client = azurite.Client();
        await using var app = await FunctionApp.StartAsync([typeof(Binders)], new()
        {
            ["ServiceBus"] = azurite.Settings(),
            ["Text"] = text,
            ["Bytes"] = bytes,
            ["Record"] = record,
        });
        foreach (var queue in new[] { text, bytes, record })
        {
            await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("""{"Name":"ü","COUNT":1}"""));
        }

        Assert.Equal(["bytes 23", "record ü 1", """text {"Name":"ü","COUNT":1}"""], (await app.Journal.AtLeastAsync(3)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_function_that_fails_is_tried_again_until_its_message_is_a_dead_letter_and_each_failure_is_logged_once()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        await using var app = await StartAsync<Failing>(queue, maxDeliveries: 3);
        var start = Stopwatch.StartNew();
        await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("x") { MessageId = "m" });

        var dead = client.CreateReceiver(queue, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });
        var letter = await dead.ReceiveMessageAsync(TimeSpan.FromSeconds(20));

        Assert.Equal("MaxDeliveryCountExceeded", letter!.DeadLetterReason);
        Assert.Equal(["failing 1", "failing 2", "failing 3"], app.Journal.Entries);
        Assert.True(start.Elapsed > TimeSpan.FromSeconds(2), "the failures came without a pause");
        var lines = app.Log.Lines.Where(line => line.StartsWith("Warning", StringComparison.Ordinal)).ToList();
        Assert.Equal(3, lines.Count);
        Assert.All(lines, line => Assert.Matches("Function.Failing: Failing failed on message m at delivery [123]: no such shard \\[InvalidDataException\\]", line));
    }

    [Fact]
    public async Task The_lock_is_renewed_for_as_long_as_the_function_runs()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        await using var app = await StartAsync<Slow>(queue, lockSeconds: 2);
        await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("5"));

        Assert.Equal(["begin 1", "end 1"], await app.Journal.AtLeastAsync(2));
        await Task.Delay(TimeSpan.FromSeconds(2.5));
        Assert.Equal(2, app.Journal.Entries.Count);
    }

    [Theory]
    [InlineData("1", 1)]
    [InlineData("3", 3)]
    public async Task As_many_run_at_once_as_host_json_and_its_overrides_say(string setting, int most)
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        await client.CreateSender(queue).SendMessagesAsync(Enumerable.Range(0, 6).Select(_ => new ServiceBusMessage("0.3")));
        await using var app = await StartAsync<Slow>(queue, more: new() { ["AzureFunctionsJobHost:extensions:serviceBus:maxConcurrentCalls"] = setting });

        var (now, peak) = (0, 0);
        foreach (var entry in await app.Journal.AtLeastAsync(12))
        {
            now += entry.StartsWith("begin", StringComparison.Ordinal) ? 1 : -1;
            peak = Math.Max(peak, now);
        }

        Assert.Equal(most, peak);
    }

    [Fact]
    public async Task A_function_that_runs_too_long_is_cancelled_and_its_message_given_back()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        await using var app = await StartAsync<Slow>(queue, more: new() { ["AzureFunctionsJobHost:functionTimeout"] = "00:00:01" });
        await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("60"));

        Assert.Equal(["begin 1", "cancelled 1", "begin 2"], (await app.Journal.AtLeastAsync(3)).Take(3));
        Assert.Contains(app.Log.Lines, line => line.Contains("longer than functionTimeout (00:00:01)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stop_begins_nothing_new_cancels_what_runs_and_gives_its_message_back_at_once()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        await client.CreateSender(queue).SendMessagesAsync([new ServiceBusMessage("60"), new ServiceBusMessage("60")]);
        var app = await StartAsync<Slow>(queue, more: new() { ["AzureFunctionsJobHost:extensions:serviceBus:maxConcurrentCalls"] = "1" });
        await app.Journal.AtLeastAsync(1);

        await app.DisposeAsync();

        Assert.Equal(["begin 1", "cancelled 1"], app.Journal.Entries);
        Assert.Equal(2, (await client.CreateReceiver(queue).ReceiveMessagesAsync(2, soon)).Count);
    }

    [Fact]
    public async Task A_stop_waits_for_a_function_that_ends_its_work()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("x"));
        var app = await StartAsync<Stubborn>(queue, lockSeconds: 1);
        await app.Journal.AtLeastAsync(1);

        await app.DisposeAsync();

        Assert.Equal(["begin", "end"], app.Journal.Entries);
        Assert.Null(await client.CreateReceiver(queue).ReceiveMessageAsync(TimeSpan.FromSeconds(1.5)));
    }

    [Fact]
    public async Task A_function_may_settle_its_message_itself()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        await using var app = await StartAsync<Settling>(queue);
        await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("x"));

        var letter = (await client.CreateReceiver(queue, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter }).ReceiveMessageAsync(soon))!;

        Assert.Equal(("Refused", "by the function"), (letter.DeadLetterReason, letter.DeadLetterErrorDescription));
        Assert.DoesNotContain(app.Log.Lines, line => line.StartsWith("Warning", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Middleware_surrounds_the_functions_it_is_meant_for_in_the_order_it_was_added()
    {
        var queue = azurite.NewName();
        await using var client = azurite.Client();
        await using var app = await StartAsync<Recorder>(queue, configure: builder =>
        {
            builder.UseMiddleware<Noting>();
            builder.UseWhen(context => context.FunctionDefinition.InputBindings.Values.Any(binding => binding.Type == "serviceBusTrigger"), async (context, next) =>
            {
                context.InstanceServices.GetRequiredService<Journal>().Write("inner");
                await next();
            });
            builder.UseWhen<Noting>(context => context.FunctionDefinition.Name == "Other");
        });
        await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("""{"name":"n","count":3}""") { MessageId = "m" });

        Assert.Equal(["before Recorder m", "inner", "Recorder m n 3 1", "after"], await app.Journal.AtLeastAsync(4));
    }

    [Fact]
    public async Task A_trace_goes_on_from_the_sender_into_the_function()
    {
        var queue = azurite.NewName();
        var spans = new List<Activity>();
        await using var client = azurite.Client();
        await using var app = await StartAsync<Recorder>(queue, configure: builder => builder.Services.AddOpenTelemetry()
            .UseFunctionsWorkerDefaults()
            .WithTracing(tracing => tracing.AddProcessor(new SimpleActivityExportProcessor(new SpanList(spans)))));
        using var sending = new Activity("sending").SetIdFormat(ActivityIdFormat.W3C).Start();
        sending.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        await client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("""{"name":"n","count":3}"""));
        await app.Journal.AtLeastAsync(1);
        await app.StopAsync(soon);

        Assert.Equal(sending.TraceId, Assert.Single(spans, span => span.OperationName == "function Recorder").TraceId);
    }

    private Task<FunctionApp> StartAsync<TFunctions>(
        string queue,
        double lockSeconds = 60,
        int maxDeliveries = 5,
        Dictionary<string, string?>? more = null,
        Action<Microsoft.Azure.Functions.Worker.Builder.FunctionsApplicationBuilder>? configure = null) =>
        FunctionApp.StartAsync(
            [typeof(TFunctions)],
            new(more ?? []) { ["ServiceBus"] = azurite.Settings(lockSeconds, maxDeliveries), ["Queue"] = queue },
            configure);

    internal sealed record Job(string Name, int Count);

    internal sealed class Recorder(Journal journal)
    {
        [Function(nameof(Recorder))]
        public Task Run(
            [ServiceBusTrigger("%Queue%", Connection = "ServiceBus")] ServiceBusReceivedMessage message, FunctionContext context, CancellationToken cancellationToken)
        {
            Assert.Equal(cancellationToken, context.CancellationToken);
            Assert.Equal(message.MessageId, context.BindingContext.BindingData["MessageId"]);
            var job = JsonSerializer.Deserialize<Job>(message.Body, JsonSerializerOptions.Web)!;
            journal.Write($"{context.FunctionDefinition.Name} {message.MessageId} {job.Name} {job.Count} {message.DeliveryCount}");
            return Task.CompletedTask;
        }
    }

    internal sealed class Binders(Journal journal)
    {
        [Function("Text")]
        public void Text([ServiceBusTrigger("%Text%", Connection = "ServiceBus")] string body) => journal.Write($"text {body}");

        [Function("Bytes")]
        public void Bytes([ServiceBusTrigger("%Bytes%", Connection = "ServiceBus")] BinaryData body) => journal.Write($"bytes {body.ToMemory().Length}");

        [Function("Record")]
        public void Record([ServiceBusTrigger("%Record%", Connection = "ServiceBus")] Job job) => journal.Write($"record {job.Name} {job.Count}");
    }

    internal sealed class Failing(Journal journal)
    {
        [Function(nameof(Failing))]
        public async Task Run([ServiceBusTrigger("%Queue%", Connection = "ServiceBus")] ServiceBusReceivedMessage message)
        {
            journal.Write($"failing {message.DeliveryCount}");
            await Task.Yield();
            throw new InvalidDataException("no such shard");
        }
    }

    internal sealed class Slow(Journal journal)
    {
        [Function(nameof(Slow))]
        public async Task Run([ServiceBusTrigger("%Queue%", Connection = "ServiceBus")] ServiceBusReceivedMessage message, CancellationToken cancellationToken)
        {
            journal.Write($"begin {message.DeliveryCount}");
            try
            {
                await Task.Delay(TimeSpan.FromSeconds(double.Parse(message.Body.ToString(), CultureInfo.InvariantCulture)), cancellationToken);
            }
            catch (OperationCanceledException)
            {
                journal.Write($"cancelled {message.DeliveryCount}");
                throw;
            }

            journal.Write($"end {message.DeliveryCount}");
        }
    }

    internal sealed class Stubborn(Journal journal)
    {
        [Function(nameof(Stubborn))]
        public async Task Run([ServiceBusTrigger("%Queue%", Connection = "ServiceBus")] string body)
        {
            journal.Write("begin");
            await Task.Delay(TimeSpan.FromSeconds(1.5));
            journal.Write("end");
        }
    }

    internal sealed class Settling
    {
        [Function(nameof(Settling))]
        public static async Task Run(
            [ServiceBusTrigger("%Queue%", Connection = "ServiceBus")] ServiceBusReceivedMessage message, ServiceBusMessageActions actions, CancellationToken cancellationToken) =>
            await actions.DeadLetterMessageAsync(
                message, deadLetterReason: "Refused", deadLetterErrorDescription: "by the function", cancellationToken: cancellationToken);
    }

    internal sealed class Noting(Journal journal) : IFunctionsWorkerMiddleware
    {
        public async Task Invoke(FunctionContext context, FunctionExecutionDelegate next)
        {
            journal.Write($"before {context.FunctionDefinition.Name} {context.BindingContext.BindingData["MessageId"]}");
            await next(context);
            journal.Write("after");
        }
    }

    private sealed class SpanList(List<Activity> spans) : BaseExporter<Activity>
    {
        public override ExportResult Export(in Batch<Activity> batch)
        {
            foreach (var span in batch)
            {
                spans.Add(span);
            }

            return ExportResult.Success;
        }
    }
}
