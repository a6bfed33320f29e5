using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Azure.Messaging.ServiceBus;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Azure.Functions.Worker.Host;

/// <summary>Runs one invocation: a scope and a new instance of the function's class, the middleware around it, the parameters bound.</summary>
internal sealed class FunctionInvoker(IServiceScopeFactory scopes, IReadOnlyList<Func<FunctionExecutionDelegate, FunctionExecutionDelegate>> middleware)
{
    private static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web);
    private readonly FunctionExecutionDelegate pipeline = middleware.Reverse().Aggregate((FunctionExecutionDelegate)ExecuteAsync, (next, wrap) => wrap(next));

    public static ActivitySource Source { get; } = new("Microsoft.Azure.Functions.Worker");

    /// <returns>What the function returned: for HTTP its answer.</returns>
    public async Task<object?> InvokeAsync(Invocation invocation)
    {
        // A function may work for long before it first awaits.
        await Task.Yield();
        using var activity = Source.StartActivity($"function {invocation.FunctionDefinition.Name}", ActivityKind.Server, invocation.ParentTrace);
        activity?.SetTag("faas.name", invocation.FunctionDefinition.Name).SetTag("faas.invocation_id", invocation.InvocationId);
        try
        {
            var scope = scopes.CreateAsyncScope();
            await using (scope.ConfigureAwait(false))
            {
                invocation.InstanceServices = scope.ServiceProvider;
                await pipeline(invocation).ConfigureAwait(false);
                return invocation.Result;
            }
        }
        catch (Exception e)
        {
            activity?.SetStatus(ActivityStatusCode.Error, e.Message).AddException(e);
            throw;
        }
    }

    private static async Task ExecuteAsync(FunctionContext context)
    {
        var invocation = (Invocation)context;
        var function = (Function)context.FunctionDefinition;
        var arguments = function.Method.GetParameters().Select(parameter => Bind(invocation, function, parameter)).ToArray();
        var instance = function.Method.IsStatic ? null : ActivatorUtilities.CreateInstance(context.InstanceServices, function.Method.DeclaringType!);
        try
        {
            var returned = function.Method.Invoke(instance, BindingFlags.DoNotWrapExceptions, null, arguments, CultureInfo.InvariantCulture);
            if (returned is ValueTask valueTask)
            {
                returned = valueTask.AsTask();
            }

            if (returned is Task task)
            {
                await task.ConfigureAwait(false);
                returned = task.GetType().GetProperty(nameof(Task<>.Result))?.GetValue(task);
            }

            invocation.Result = returned;
        }
        finally
        {
            switch (instance)
            {
                case IAsyncDisposable disposable:
                    await disposable.DisposeAsync().ConfigureAwait(false);
                    break;
                case IDisposable disposable:
                    disposable.Dispose();
                    break;
            }
        }
    }

    private static object? Bind(Invocation invocation, Function function, ParameterInfo parameter)
    {
        var type = parameter.ParameterType;
        if (parameter == function.Triggered)
        {
            return Convert(invocation.Input, type);
        }

        if (type == typeof(FunctionContext))
        {
            return invocation;
        }

        if (type == typeof(CancellationToken))
        {
            return invocation.CancellationToken;
        }

        if (type == typeof(ServiceBusMessageActions))
        {
            return invocation.Actions;
        }

        var value = invocation.BindingContext.BindingData.GetValueOrDefault(parameter.Name!);
        return value is null
            ? parameter.HasDefaultValue ? parameter.DefaultValue : null
            : System.Convert.ChangeType(value, Nullable.GetUnderlyingType(type) ?? type, CultureInfo.InvariantCulture);
    }

    private static object? Convert(object input, Type type)
    {
        if (type.IsInstanceOfType(input))
        {
            return input;
        }

        if (input is not ServiceBusReceivedMessage message)
        {
            return JsonSerializer.Serialize(input, json);
        }

        return type == typeof(string) ? message.Body.ToString()
            : type == typeof(BinaryData) ? message.Body
            : type == typeof(byte[]) ? message.Body.ToArray()
            : JsonSerializer.Deserialize(message.Body, type, json);
    }
}
