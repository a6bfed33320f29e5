using System.Collections.Immutable;
using System.Reflection;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

namespace Microsoft.Azure.Functions.Worker.Host;

/// <summary>A function as it stands in the code.</summary>
internal sealed class Function(string name, MethodInfo method, ParameterInfo triggered, TriggerBindingAttribute trigger, RetryAttribute? retry) : FunctionDefinition
{
    public MethodInfo Method { get; } = method;

    /// <summary>The parameter that takes what the trigger brings.</summary>
    public ParameterInfo Triggered { get; } = triggered;

    public TriggerBindingAttribute Trigger { get; } = trigger;

    public RetryAttribute? Retry { get; } = retry;

    public override string Name { get; } = name;

    public override string Id => EntryPoint;

    public override string EntryPoint => $"{Method.DeclaringType!.FullName}.{Method.Name}";

    public override string PathToAssembly => Method.DeclaringType!.Assembly.Location;

    public override ImmutableArray<FunctionParameter> Parameters { get; } =
        [.. method.GetParameters().Select(parameter => new FunctionParameter(parameter.Name!, parameter.ParameterType))];

    public override IImmutableDictionary<string, BindingMetadata> InputBindings { get; } =
        ImmutableDictionary<string, BindingMetadata>.Empty.Add(triggered.Name!, new TriggerMetadata(triggered.Name!, trigger switch
        {
            ServiceBusTriggerAttribute => "serviceBusTrigger",
            TimerTriggerAttribute => "timerTrigger",
            _ => "httpTrigger",
        }));

    public override IImmutableDictionary<string, BindingMetadata> OutputBindings => ImmutableDictionary<string, BindingMetadata>.Empty;

    private sealed class TriggerMetadata(string name, string type) : BindingMetadata
    {
        public override string Name { get; } = name;

        public override string Type { get; } = type;

        public override BindingDirection Direction => BindingDirection.In;
    }
}
