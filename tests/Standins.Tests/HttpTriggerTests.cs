using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Hindsight.Standins.Tests;

public sealed class HttpTriggerTests
{
    private static readonly Dictionary<string, string?> anyPort = new() { ["LocalHttpPort"] = "0" };

    [Fact]
    public async Task An_http_function_answers_under_its_name_or_route_with_its_result()
    {
        await using var app = await FunctionApp.StartAsync([typeof(Site)], anyPort, builder => builder.ConfigureFunctionsWebApplication());
        using var client = Client(app);

        var named = await client.GetAsync(new Uri("api/Status?x=1", UriKind.Relative));
        var routed = await client.PostAsJsonAsync("api/runs/a%20run/start", new { problems = 3 });

        Assert.Equal((HttpStatusCode.OK, """{"runCount":2,"query":"?x=1"}"""), (named.StatusCode, await named.Content.ReadAsStringAsync()));
        Assert.Equal("application/json", named.Content.Headers.ContentType!.MediaType);
        Assert.Equal((HttpStatusCode.Accepted, "a run 3 7"), (routed.StatusCode, await routed.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Other_methods_and_paths_are_not_answered_and_a_failure_is_status_500_and_logged()
    {
        await using var app = await FunctionApp.StartAsync([typeof(Site)], anyPort, builder => builder.ConfigureFunctionsWebApplication());
        using var client = Client(app);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await client.DeleteAsync(new Uri("api/Status", UriKind.Relative))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(new Uri("Status", UriKind.Relative))).StatusCode);
        Assert.Equal(HttpStatusCode.InternalServerError, (await client.GetAsync(new Uri("api/Broken", UriKind.Relative))).StatusCode);
        Assert.Contains("Warning Function.Broken: Broken failed: no storage [IOException]", app.Log.Lines);
    }

    [Fact]
    public async Task A_page_from_the_web_is_refused()
    {
        await using var app = await FunctionApp.StartAsync([typeof(Site)], anyPort, builder => builder.ConfigureFunctionsWebApplication());
        using var client = Client(app);
        async Task<HttpStatusCode> Get(string header, string value)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("api/Status", UriKind.Relative));
            request.Headers.Add(header, value);
            return (await client.SendAsync(request)).StatusCode;
        }

        Assert.Equal(HttpStatusCode.Forbidden, await Get("Origin", "https://example.org"));
        Assert.Equal(HttpStatusCode.Forbidden, await Get("Origin", "null"));
        Assert.Equal(HttpStatusCode.Forbidden, await Get("Host", "example.org"));
        Assert.Equal(HttpStatusCode.OK, await Get("Origin", "http://localhost:7071"));
    }

    [Fact]
    public async Task Http_functions_need_the_web_application()
    {
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => FunctionApp.StartAsync([typeof(Site)], anyPort));
        Assert.Contains("ConfigureFunctionsWebApplication", e.Message, StringComparison.Ordinal);
    }

    private static HttpClient Client(FunctionApp app) =>
        new() { BaseAddress = new Uri(app.Services.GetRequiredService<IConfiguration>()["LocalHttpAddress"]!) };

    internal sealed class Site
    {
        [Function("Status")]
        public static IActionResult Status([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request) =>
            new OkObjectResult(new { RunCount = 2, Query = request.QueryString.Value });

        [Function("Start")]
        public static async Task<IActionResult> Start(
            [HttpTrigger(AuthorizationLevel.Function, "post", Route = "runs/{run}/start/{count?}")] HttpRequest request, string run, CancellationToken cancellationToken, int count = 7)
        {
            var body = await request.ReadFromJsonAsync<Dictionary<string, int>>(cancellationToken);
            return new AcceptedResult((string?)null, $"{run} {body!["problems"]} {count}");
        }

        [Function("Broken")]
        public static Task<IActionResult> Broken([HttpTrigger(AuthorizationLevel.Anonymous)] HttpRequest request) =>
            throw new IOException(request.Method == "GET" ? "no storage" : "");
    }
}
