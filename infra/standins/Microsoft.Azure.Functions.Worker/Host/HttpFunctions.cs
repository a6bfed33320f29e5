using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Abstractions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Azure.Functions.Worker.Host;

/// <summary>Serves HTTP functions on a loopback port, with MVC's results.</summary>
internal sealed class HttpFunctions(
    HostSettings settings, FunctionInvoker invoker, ILoggerFactory loggers, IEnumerable<IConfigureOptions<JsonOptions>> json) : IAsyncDisposable
{
    private WebApplication? app;

    public async Task StartAsync(IEnumerable<Function> functions, CancellationToken stopping, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.Sources.Clear();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(server => server.Listen(IPAddress.Loopback, settings.HttpPort));
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(loggers);
        builder.Services.AddMvcCore();
        foreach (var options in json)
        {
            builder.Services.AddSingleton(options);
        }

        app = builder.Build();
        app.Use(RefuseOtherOrigins);
        app.UseRouting();
        foreach (var function in functions)
        {
            if (function.Trigger is HttpTriggerAttribute trigger)
            {
                var route = $"{settings.RoutePrefix}/{trigger.Route ?? function.Name}".TrimStart('/');
                Task Handle(HttpContext http) => HandleAsync(function, http, stopping);
                _ = trigger.Methods.Length == 0 ? app.Map(route, Handle) : app.MapMethods(route, trigger.Methods.Select(method => method.ToUpperInvariant()), Handle);
            }
        }

        try
        {
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw new InvalidOperationException($"Port {settings.HttpPort} is in use: give another in the setting LocalHttpPort, or 0 for any.", e);
        }

        settings.SetHttpAddress(app.Urls.First());
    }

    public Task StopAsync(CancellationToken cancellationToken) => app?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public ValueTask DisposeAsync() => app?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>A page from the web, open in a browser on this machine, must not be able to call functions that ask for no key.</summary>
    private static Task RefuseOtherOrigins(HttpContext http, RequestDelegate next)
    {
        var origin = http.Request.Headers.Origin.ToString();
        if (IsLoopback(http.Request.Host.Host) && (origin.Length == 0 || (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && IsLoopback(uri.Host))))
        {
            return next(http);
        }

        http.Response.StatusCode = StatusCodes.Status403Forbidden;
        return Task.CompletedTask;

        static bool IsLoopback(string host) => host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
    }

    private async Task HandleAsync(Function function, HttpContext http, CancellationToken stopping)
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        var data = http.Request.RouteValues.ToDictionary(pair => pair.Key, pair => pair.Value);
        object? result;
        try
        {
            result = await invoker.InvokeAsync(new Invocation(function, http.Request, data, cancellation.Token)).ConfigureAwait(false);
        }
        catch (Exception e) when (!http.RequestAborted.IsCancellationRequested)
        {
            loggers.CreateLogger($"Function.{function.Name}").LogWarning(e, "{Function} failed: {Error}", function.Name, e.Message);
            http.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return;
        }

        switch (result)
        {
            case IActionResult action:
                await action.ExecuteResultAsync(new ActionContext(http, http.GetRouteData(), new ActionDescriptor())).ConfigureAwait(false);
                break;
            case IResult answer:
                await answer.ExecuteAsync(http).ConfigureAwait(false);
                break;
        }
    }
}
