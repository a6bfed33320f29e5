using System.Collections;
using System.Diagnostics;

namespace Microsoft.Azure.Functions.Worker.Host;

/// <summary>One run of a function: what the trigger brought, and the context that middleware and function see.</summary>
internal sealed class Invocation(Function function, object input, IReadOnlyDictionary<string, object?> data, CancellationToken cancellationToken) : FunctionContext
{
    public object Input { get; } = input;

    public ServiceBusMessageActions? Actions { get; init; }

    /// <summary>The trace in which the message was sent.</summary>
    public string? ParentTrace { get; init; }

    public int Retries { get; init; }

    public object? Result { get; set; }

    public override string InvocationId { get; } = Guid.NewGuid().ToString();

    public override string FunctionId => function.Id;

    public override FunctionDefinition FunctionDefinition => function;

    public override TraceContext TraceContext { get; } = new CurrentTrace();

    public override BindingContext BindingContext => new Data(data);

    public override RetryContext RetryContext => new Attempts(Retries, function.Retry?.MaxRetryCount ?? 0);

    public override IServiceProvider InstanceServices { get; set; } = null!;

    public override IDictionary<object, object> Items { get; set; } = new Dictionary<object, object>();

    public override IInvocationFeatures Features { get; } = new FeatureSet();

    public override CancellationToken CancellationToken => cancellationToken;

    private sealed class CurrentTrace : TraceContext
    {
        public override string TraceParent => Activity.Current?.Id ?? "";

        public override string TraceState => Activity.Current?.TraceStateString ?? "";
    }

    private sealed class Data(IReadOnlyDictionary<string, object?> data) : BindingContext
    {
        public override IReadOnlyDictionary<string, object?> BindingData { get; } = data;
    }

    private sealed class Attempts(int retries, int most) : RetryContext
    {
        public override int RetryCount { get; } = retries;

        public override int MaxRetryCount { get; } = most;
    }

    private sealed class FeatureSet : IInvocationFeatures
    {
        private readonly Dictionary<Type, object> features = [];

        public void Set<T>(T instance) => features[typeof(T)] = instance!;

        public T? Get<T>() => (T?)features.GetValueOrDefault(typeof(T));

        public IEnumerator<KeyValuePair<Type, object>> GetEnumerator() => features.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
