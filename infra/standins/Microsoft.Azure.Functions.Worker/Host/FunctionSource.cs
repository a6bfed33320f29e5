using System.Reflection;
using System.Runtime.CompilerServices;
using Azure.Messaging.ServiceBus;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Microsoft.Extensions.Configuration;

namespace Microsoft.Azure.Functions.Worker.Host;

/// <summary>The classes in which functions are looked for.</summary>
internal sealed record FunctionSource(IEnumerable<Type> Types)
{
    /// <summary>The assemblies in the setting FunctionAssemblies (names with semicolons between them), else the running program's.</summary>
    public static FunctionSource FromSettings(IConfiguration settings) => settings["FunctionAssemblies"] is { Length: > 0 } names
        ? new FunctionSource(names.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).SelectMany(name => Assembly.Load(name).GetTypes()))
        : Assembly.GetEntryAssembly() is { } program ? FromProgram(program) : new FunctionSource([]);

    /// <summary>The program's assembly and all that it refers to, as far as they know this one.</summary>
    public static FunctionSource FromProgram(Assembly program)
    {
        var standin = typeof(FunctionSource).Assembly.GetName().Name;
        var waiting = new Queue<Assembly>([program]);
        var seen = new HashSet<string>();
        var types = new List<Type>();
        while (waiting.TryDequeue(out var assembly))
        {
            var references = assembly.GetReferencedAssemblies();
            if (references.Any(reference => reference.Name == standin))
            {
                types.AddRange(assembly.GetTypes());
            }

            foreach (var reference in references.Where(reference => !IsFramework(reference.Name!) && seen.Add(reference.Name!)))
            {
                try
                {
                    waiting.Enqueue(Assembly.Load(reference));
                }
                catch (FileNotFoundException)
                {
                    // Optional parts of a package need not be there.
                }
            }
        }

        return new FunctionSource(types);
    }

    /// <summary>All functions, after the checks that the real toolchain makes at build time.</summary>
    /// <exception cref="InvalidOperationException">A function that Azure would not run.</exception>
    public IReadOnlyList<Function> Find()
    {
        const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var functions = Types
            .SelectMany(type => type.GetMethods(Declared))
            .Where(method => method.IsDefined(typeof(FunctionAttribute)))
            .Select(Check)
            .OrderBy(function => function.Name, StringComparer.Ordinal)
            .ToList();
        foreach (var same in functions.GroupBy(function => function.Name, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1))
        {
            throw new InvalidOperationException(
                $"The function name {same.Key} is taken more than once: {string.Join(", ", same.Select(function => function.EntryPoint))}.");
        }

        return functions;
    }

    private static Function Check(MethodInfo method)
    {
        var name = method.GetCustomAttribute<FunctionAttribute>()!.Name;
        var place = $"{method.DeclaringType!.FullName}.{method.Name}";
        InvalidOperationException Refuse(string why) => new($"The function {name} ({place}) cannot run: {why}");

        var triggers = method.GetParameters().Where(parameter => parameter.IsDefined(typeof(TriggerBindingAttribute), inherit: true)).ToList();
        if (triggers.Count != 1)
        {
            throw Refuse($"it has {triggers.Count} triggers and needs exactly one.");
        }

        if (!method.IsPublic)
        {
            throw Refuse("its method is not public.");
        }

        if (method.ReturnType == typeof(void) && method.IsDefined(typeof(AsyncStateMachineAttribute)))
        {
            throw Refuse("AZFW0001: its method is async and returns void; return Task.");
        }

        var trigger = triggers[0].GetCustomAttribute<TriggerBindingAttribute>()!;
        var retry = method.GetCustomAttribute<RetryAttribute>();
        if (retry is not null && trigger is not TimerTriggerAttribute)
        {
            throw Refuse($"AZFW0012: {retry.GetType().Name} is not supported on its trigger; the queue's delivery count does that work.");
        }

        if (trigger is ServiceBusTriggerAttribute { QueueName: null } or ServiceBusTriggerAttribute { IsBatched: true } or ServiceBusTriggerAttribute { IsSessionsEnabled: true })
        {
            throw Refuse("topics, sessions and batches are not supported locally.");
        }

        if (trigger is HttpTriggerAttribute && !Results.Any(result => result.IsAssignableFrom(Result(method.ReturnType))))
        {
            throw Refuse($"it returns {method.ReturnType.Name}; an HTTP function returns Task<IActionResult> or IActionResult.");
        }

        foreach (var parameter in method.GetParameters().Where(parameter => parameter != triggers[0]))
        {
            var type = parameter.ParameterType;
            var bound = type == typeof(FunctionContext) || type == typeof(CancellationToken)
                || (trigger is ServiceBusTriggerAttribute && type == typeof(ServiceBusMessageActions))
                || (trigger is HttpTriggerAttribute && typeof(IConvertible).IsAssignableFrom(Nullable.GetUnderlyingType(type) ?? type));
            if (!bound)
            {
                throw Refuse($"nothing is bound to its parameter {parameter.Name} of type {type.Name}.");
            }
        }

        var triggerType = triggers[0].ParameterType;
        var fits = trigger switch
        {
            TimerTriggerAttribute => triggerType == typeof(TimerInfo) || triggerType == typeof(string),
            HttpTriggerAttribute => triggerType == typeof(HttpRequest),
            ServiceBusTriggerAttribute => !triggerType.IsArray || triggerType == typeof(byte[]),
            _ => false,
        };
        return fits
            ? new Function(name, method, triggers[0], trigger, retry)
            : throw Refuse($"{trigger.GetType().Name} cannot be bound to a {triggerType.Name}.");
    }

    private static bool IsFramework(string assembly) =>
        assembly.StartsWith("System.", StringComparison.Ordinal) || assembly.StartsWith("Microsoft.", StringComparison.Ordinal);

    private static Type[] Results { get; } = [typeof(IActionResult), typeof(IResult)];

    private static Type Result(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Task<>) ? type.GetGenericArguments()[0] : type;
}
