using Azure.Storage.Blobs.Models;
using Hindsight.Workflow;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Hindsight.Coordinator;

/// <summary>HTTP: lists runs and their progress, starts an evaluation, shows a report.</summary>
public sealed class Status(StatusReader status, BlobStore store, MessageBus bus)
{
    private const int LargestSpec = 1 << 20;

    /// <summary><c>GET /api/runs</c>: every run with its progress and the link to its report.</summary>
    [Function("Runs")]
    public async Task<IActionResult> RunsAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "runs")] HttpRequest request, CancellationToken cancellation)
    {
        var runs = new List<RunStatus?>();
        foreach (var run in await status.RunsAsync(cancellation))
        {
            runs.Add(await status.ReadAsync(run, cancellation));
        }

        return new OkObjectResult(runs);
    }

    /// <summary>
    /// <c>GET /api/runs/{run}</c>: one run. <c>POST /api/runs/{run}</c> with an evaluation.json as body (or none): evaluates it.
    /// </summary>
    [Function(nameof(Status))]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", "post", Route = "runs/{run}")] HttpRequest request, string run, CancellationToken cancellation)
    {
        if (!Names.IsSafe(run))
        {
            return new BadRequestObjectResult("That is not the name of a run.");
        }

        if (HttpMethods.IsGet(request.Method))
        {
            return await status.ReadAsync(run, cancellation) is { } found ? new OkObjectResult(found) : new NotFoundResult();
        }

        var content = new byte[LargestSpec + 1];
        var length = await request.Body.ReadAtLeastAsync(content, content.Length, throwOnEndOfStream: false, cancellation);
        if (length > LargestSpec)
        {
            return new BadRequestObjectResult("Send an evaluation.json of at most 1 MiB, or an empty body.");
        }

        if (length > 0)
        {
            var body = new BinaryData(content.AsMemory(0, length));
            try
            {
                EvaluationSpec.Parse(body, EvaluationFreezer.FileName);
            }
            catch (InvalidDataException exception)
            {
                return new BadRequestObjectResult(exception.Message);
            }

            await store.Checkpoints.GetBlobClient($"{run}/{EvaluationFreezer.FileName}").UploadAsync(body, overwrite: true, cancellation);
        }

        await bus.SendAsync(new PlanMessage(run, Retry: true), cancellation);
        return new AcceptedResult($"/api/runs/{run}", await status.ReadAsync(run, cancellation));
    }

    /// <summary><c>GET /api/runs/{run}/report</c>: the page of the run's present evaluation.</summary>
    [Function("Report")]
    public async Task<IActionResult> ReportAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "runs/{run}/report")] HttpRequest request, string run, CancellationToken cancellation)
    {
        if (!Names.IsSafe(run) || (await status.ReadAsync(run, cancellation))?.Report is not { } path)
        {
            return new NotFoundResult();
        }

        BlobDownloadResult page = await store.Reports.GetBlobClient(path).DownloadContentAsync(cancellation);
        return new ContentResult { Content = page.Content.ToString(), ContentType = "text/html; charset=utf-8" };
    }
}
