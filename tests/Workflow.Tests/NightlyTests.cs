using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Azure.Messaging.ServiceBus;
using Hindsight.Scoring;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Hindsight.Workflow.Tests;

/// <summary>Nights, on real queues, blobs and weights, from a fixed date: seeds depend on it, and so does chance.</summary>
public sealed class NightlyTests : IAsyncLifetime, IAsyncDisposable
{
    private const string Secret = "hook-4711";

    private readonly Pipeline pipeline = new();

    private static string Checkpoint(string name) => TestData.PathTo("demo", "run", name);

    public async Task InitializeAsync()
    {
        await pipeline.InitializeAsync();
        pipeline.Clock.Advance(new DateTimeOffset(2031, 1, 6, 2, 0, 0, TimeSpan.Zero) - pipeline.Clock.GetUtcNow());
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => pipeline.DisposeAsync();

    [Fact]
    public async Task Nothing_new_sends_nothing_and_costs_nothing()
    {
        await EvaluateAsync("quiet", Spec("quiet"));
        await NightAsync();
        var before = await StateAsync();

        pipeline.Clock.Advance(TimeSpan.FromDays(1));
        await pipeline.Get<NightlyCheck>().BeginAsync(CancellationToken.None);

        Assert.Equal(0, await pipeline.PumpAsync());
        Assert.Equal(before, await StateAsync());
        Assert.Empty(await AlertsAsync("quiet"));
    }

    [Fact]
    public async Task What_changed_without_an_event_is_evaluated_at_night()
    {
        await EvaluateAsync("changes", Spec("changes"));
        var reports = new List<string?> { (await pipeline.StatusAsync("changes")).Report };

        await pipeline.UploadSpecAsync("changes", Spec("changes", samples: 3));
        await NightAsync();
        Assert.Equal(4, (await pipeline.StatusAsync("changes")).Stages[0].Answers);
        reports.Add((await pipeline.StatusAsync("changes")).Report);

        await pipeline.UploadSuiteAsync("changes", [.. Problems(5)]);
        await NightAsync();
        Assert.Equal(3, (await pipeline.StatusAsync("changes")).Stages[0].Answers);
        reports.Add((await pipeline.StatusAsync("changes")).Report);

        await pipeline.UploadAsync("changes", "checkpoint-200", Checkpoint("checkpoint-200"), whole: false);
        await NightAsync();
        reports.Add((await pipeline.StatusAsync("changes")).Report);

        Assert.Equal(4, reports.OfType<string>().Distinct().Count());
    }

    [Fact]
    public async Task A_sentinel_sample_is_redrawn_each_night_once_and_alerts_only_when_fresh_answers_confirm_a_loss()
    {
        const int Sentinel = 24;
        var spec = Spec("watched", samples: 4, nightly: $$"""{"sentinel": {{Sentinel}}, "webhook": "https://127.0.0.1:1/{{Secret}}"}""");
        await EvaluateAsync("watched", spec, "checkpoint-300", problems: 40);
        var baseline = (await pipeline.StatusAsync("watched")).Evaluation!;
        await pipeline.Get<Baselines>().MoveAsync("watched", baseline, CancellationToken.None);
        var drawn = await pipeline.StoredAnswersAsync();

        // A night on which nothing changed: the sample under a seed of its own, and nothing else.
        await NightAsync();
        Assert.Equal(drawn + (Sentinel * 4), await pipeline.StoredAnswersAsync());
        Assert.Equal(NightlyAction.None, Assert.Single(await ResultsAsync("watched")).Action);
        await NightAsync();
        Assert.Equal(drawn + (Sentinel * 4), await pipeline.StoredAnswersAsync());
        Assert.Equal(baseline, (await pipeline.StatusAsync("watched")).Evaluation);

        // The same weights another night: two nights are averaged.
        pipeline.Clock.Advance(TimeSpan.FromDays(1));
        await NightAsync();
        Assert.Equal(drawn + (2 * Sentinel * 4), await pipeline.StoredAnswersAsync());
        Assert.Empty(await AlertsAsync("watched"));

        // The model before training solves half as much.
        await pipeline.UploadAsync("watched", "checkpoint-400", Checkpoint("base"), whole: false);
        await pipeline.AnnounceAsync("watched", "checkpoint-400");
        await pipeline.PumpAsync();
        drawn = await pipeline.StoredAnswersAsync();
        pipeline.Clock.Advance(TimeSpan.FromDays(1));
        await NightAsync();

        Assert.Equal(drawn + (3 * Sentinel * 4), await pipeline.StoredAnswersAsync());
        var alert = Assert.Single(await AlertsAsync("watched"));
        Assert.Equal((AlertKind.Loss, baseline, new DateOnly(2031, 1, 8)), (alert.Kind, alert.Baseline, alert.Night));
        Assert.Contains("checkpoint-400", alert.Text, StringComparison.Ordinal);
        Assert.Equal(alert, Assert.Single(await QueuedAsync()));
        Assert.Empty((await pipeline.Get<AlertLog>().ReadAsync("watched", CancellationToken.None)).Undelivered);
        var line = await pipeline.Log.NextAsync("The webhook of watched did not take alert", Secret);
        Assert.DoesNotContain(Secret, line, StringComparison.Ordinal);

        // It lasts, and is neither announced nor measured again; and nobody but a person moves the baseline.
        pipeline.Clock.Advance(TimeSpan.FromDays(1));
        await NightAsync();
        Assert.Equal(drawn + (4 * Sentinel * 4), await pipeline.StoredAnswersAsync());
        Assert.Single(await AlertsAsync("watched"));
        Assert.Empty(await QueuedAsync());
        Assert.Equal(baseline, (await pipeline.Get<Baselines>().ReadAsync("watched", CancellationToken.None))!.Evaluation);
    }

    [Fact]
    public async Task A_night_whose_answers_are_missing_says_nothing_of_the_model_and_is_an_alert_about_the_infrastructure()
    {
        await EvaluateAsync("broken", Spec("broken", nightly: """{"sentinel": 4}"""));
        var baseline = (await pipeline.StatusAsync("broken")).Evaluation!;
        await pipeline.Get<Baselines>().MoveAsync("broken", baseline, CancellationToken.None);

        await NightAsync(_ => throw new WorkerDiedException());

        var alerts = await AlertsAsync("broken");
        Assert.NotEmpty(alerts);
        Assert.DoesNotContain(alerts, alert => alert.Kind == AlertKind.Loss);
        Assert.Contains(alerts, alert => alert.Kind == AlertKind.Infrastructure && alert.Text.Contains("every worker that took this shard stopped", StringComparison.Ordinal));
        Assert.Contains(await ResultsAsync("broken"), result => result.Action == NightlyAction.NoVerdict);
    }

    [Fact]
    public async Task A_problem_of_the_baseline_that_left_the_suite_is_an_alert_of_its_own_kind()
    {
        await EvaluateAsync("leaves", Spec("leaves", nightly: """{"sentinel": 4}"""));
        await pipeline.Get<Baselines>().MoveAsync("leaves", (await pipeline.StatusAsync("leaves")).Evaluation!, CancellationToken.None);

        await pipeline.UploadSuiteAsync("leaves", [.. Problems(4).Skip(1)]);
        await NightAsync();
        pipeline.Clock.Advance(TimeSpan.FromDays(1));
        await NightAsync();

        var alert = Assert.Single(await AlertsAsync("leaves"));
        Assert.Equal(AlertKind.MissingProblems, alert.Kind);
        Assert.Contains("sum-01", alert.Text, StringComparison.Ordinal);
        Assert.Equal(alert, Assert.Single(await QueuedAsync()));
    }

    [Fact]
    public async Task A_night_that_does_not_end_is_announced()
    {
        await EvaluateAsync("stuck", Spec("stuck", nightly: """{"sentinel": 4}"""));
        await pipeline.Get<NightlyCheck>().BeginAsync(CancellationToken.None);
        pipeline.Clock.Advance(TimeSpan.FromDays(2));

        await pipeline.Get<NightlyCheck>().BeginAsync(CancellationToken.None);

        var alert = Assert.Single(await AlertsAsync("stuck"));
        Assert.Equal((AlertKind.Infrastructure, new DateOnly(2031, 1, 6)), (alert.Kind, alert.Night));
    }

    [Fact]
    public async Task Only_an_evaluation_with_a_report_can_be_a_baseline()
    {
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => pipeline.Get<Baselines>().MoveAsync("none", "0123456789abcdef", CancellationToken.None));

        Assert.Contains("none has no evaluation 0123456789abcdef", error.Message, StringComparison.Ordinal);
        Assert.Null(await pipeline.Get<Baselines>().ReadAsync("none", CancellationToken.None));
    }

    [Fact]
    public async Task An_alert_is_posted_once_and_a_webhook_that_fails_is_logged_without_its_address()
    {
        var bodies = new List<string>();
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(100));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.UseHttps(X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null));
        }));
        await using var server = builder.Build();
        server.MapPost($"/{Secret}", async (HttpRequest request) =>
        {
            using var body = new StreamReader(request.Body);
            bodies.Add(await body.ReadToEndAsync());
        });
        await server.StartAsync();
        var address = new Uri(server.Urls.Single());
        using var client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = new() { RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.GetCertHashString() == certificate.GetCertHashString() },
        });
        using var logging = LoggerFactory.Create(logs => logs.AddProvider(pipeline.Log));
        var alerts = new AlertLog(pipeline.Store, pipeline.Get<MessageBus>(), new AlertWebhook(client), logging.CreateLogger<AlertLog>());
        var alert = new Alert("one", "hooked", new DateOnly(2031, 1, 6), AlertKind.Loss, "0123456789abcdef", null, "<b>worse</b>");

        await alerts.RaiseAsync(alert, new Uri(address, Secret), CancellationToken.None);
        await alerts.RaiseAsync(alert, new Uri(address, Secret), CancellationToken.None);
        Assert.Equal("<b>worse</b>", JsonDocument.Parse(Assert.Single(bodies)).RootElement.GetProperty("text").GetString());

        await alerts.RaiseAsync(alert with { Id = "two" }, new Uri(address, $"{Secret}/elsewhere"), CancellationToken.None);
        var line = await pipeline.Log.NextAsync("The webhook of hooked did not take alert two", Secret);
        Assert.EndsWith("it answered 404", line, StringComparison.Ordinal);
        Assert.Equal(["one", "two"], (await QueuedAsync()).Select(queued => queued.Id).Order());
        Assert.Equal(["one", "two"], (await AlertsAsync("hooked")).Select(listed => listed.Id));
    }

    private static string[] Problems(int count) => File.ReadAllLines(TestData.PathTo("demo", "suite.jsonl"))[..count];

    private static string Spec(string run, int samples = 2, string? nightly = null) =>
        $$"""{"suite": "{{run}}", "samplesPerProblem": {{samples}}, "greedy": false, "maxTokens": 96, "temperature": 1, "topP": 1, "earlyWeights": []{{(nightly is null ? "" : $", \"nightly\": {nightly}")}}}""";

    private async Task EvaluateAsync(string run, string spec, string checkpoint = "checkpoint-100", int problems = 4)
    {
        await pipeline.UploadSuiteAsync(run, Problems(problems));
        await pipeline.UploadSpecAsync(run, spec);
        await pipeline.UploadAsync(run, checkpoint, Checkpoint(checkpoint), whole: false);
        await pipeline.AnnounceAsync(run, checkpoint);
        await pipeline.PumpAsync();
        await pipeline.ReportAsync(run, ReportFiles.Scores);
    }

    /// <summary>The nightly timer, and the watchdog's until nothing is left to do.</summary>
    private async Task NightAsync(Func<GenerateMessage, Task>? beforeShard = null)
    {
        await pipeline.Get<NightlyCheck>().BeginAsync(CancellationToken.None);
        await pipeline.PumpAsync(beforeShard);
        for (var look = 0; look < 6; look++)
        {
            await pipeline.Get<Watchdog>().LookAsync(CancellationToken.None);
            await pipeline.PumpAsync(beforeShard);
        }
    }

    private async Task<IReadOnlyList<Alert>> AlertsAsync(string run) => (await pipeline.Get<AlertLog>().ReadAsync(run, CancellationToken.None)).Alerts;

    /// <summary>What the nights of a run with a sentinel sample came to, the oldest first.</summary>
    private async Task<IReadOnlyList<NightlyResult>> ResultsAsync(string run)
    {
        var book = new NightBook(pipeline.Store, run);
        var results = new List<NightlyResult>();
        foreach (var (name, decided) in await book.ListAsync(CancellationToken.None))
        {
            Assert.True(decided, name);
            if (await book.ReadAsync(name, CancellationToken.None) is { Asked: not null } night)
            {
                results.Add((await book.ReadResultAsync(night, CancellationToken.None))!);
            }
        }

        return results;
    }

    /// <summary>Takes the messages off the queue of alerts.</summary>
    private async Task<IReadOnlyList<Alert>> QueuedAsync()
    {
        await using var client = new ServiceBusClient(pipeline.Connection);
        await using var receiver = client.CreateReceiver(MessageBus.Alerts);
        var alerts = new List<Alert>();
        while (await receiver.ReceiveMessageAsync(TimeSpan.FromMilliseconds(300)) is { } message)
        {
            alerts.Add(MessageBus.Read<Alert>(message.Body));
            Assert.Equal(alerts[^1].Id, message.MessageId);
            await receiver.CompleteMessageAsync(message);
        }

        return alerts;
    }

    /// <summary>Every blob with its tag.</summary>
    private async Task<string> StateAsync()
    {
        var text = new StringBuilder();
        foreach (var container in new[] { pipeline.Store.Checkpoints, pipeline.Store.Suites, pipeline.Store.Evaluations, pipeline.Store.Answers, pipeline.Store.Reports })
        {
            foreach (var blob in await BlobStore.ListAsync(container, "", CancellationToken.None))
            {
                text.Append(container.Name).Append(' ').Append(blob.Name).Append(' ').AppendLine(blob.Properties.ETag.ToString());
            }
        }

        return text.ToString();
    }
}
