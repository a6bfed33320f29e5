using Hindsight.Workflow;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Azure.Functions.Worker.OpenTelemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

var builder = FunctionsApplication.CreateBuilder(args);
builder.Services.AddOpenTelemetry().UseFunctionsWorkerDefaults();
builder.AddWorkflow();
builder.Build().Run();
