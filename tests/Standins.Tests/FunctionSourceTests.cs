using Azure.Messaging.ServiceBus;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Host;
using Microsoft.Extensions.Configuration;

namespace Hindsight.Standins.Tests;

public sealed class FunctionSourceTests
{
    [Fact]
    public void Functions_are_found_in_the_named_assemblies()
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("FunctionAssemblies", (string?)"Hindsight.Standins.Tests")]).Build();
        Assert.Contains(typeof(Good), FunctionSource.FromSettings(settings).Types);
    }

    [Fact]
    public void Functions_are_found_in_what_the_program_refers_to_but_not_in_this_host_itself()
    {
        var types = FunctionSource.FromProgram(typeof(FunctionSourceTests).Assembly).Types.ToList();
        Assert.Contains(typeof(Good), types);
        Assert.Contains(types, type => type.FullName == "Hindsight.Coordinator.Intake");
        Assert.DoesNotContain(types, type => type.Assembly == typeof(FunctionSource).Assembly);
    }

    [Fact]
    public void A_function_knows_its_name_entry_point_and_trigger()
    {
        var function = Assert.Single(Find<Good>());
        Assert.Equal(("Fine", $"{typeof(Good).FullName}.Run"), (function.Name, function.EntryPoint));
        Assert.Equal("timerTrigger", Assert.Single(function.InputBindings).Value.Type);
        Assert.Equal("timer", Assert.Single(function.Parameters).Name);
    }

    [Fact]
    public void A_retry_attribute_on_a_queue_trigger_is_refused_as_the_real_analyser_does() =>
        AssertRefused<RetriedQueue>("AZFW0012");

    [Fact]
    public void Two_functions_of_one_name_are_refused() => AssertRefused<Twins>("is taken more than once");

    [Fact]
    public void What_Azure_or_this_host_would_not_run_is_refused()
    {
        AssertRefused<AsyncVoid>("AZFW0001");
        AssertRefused<NoTrigger>("exactly one");
        AssertRefused<Topic>("topics, sessions and batches");
        AssertRefused<Unbound>("its parameter service");
        AssertRefused<HttpWithoutAnswer>("IActionResult");
        AssertRefused<Hidden>("not public");
    }

    private static IReadOnlyList<Function> Find<T>() => new FunctionSource([typeof(T)]).Find();

    private static void AssertRefused<T>(string reason) =>
        Assert.Contains(reason, Assert.Throws<InvalidOperationException>(Find<T>).Message, StringComparison.Ordinal);

    internal sealed class Good
    {
        [Function("Fine")]
        [FixedDelayRetry(2, "00:00:01")]
        public static void Run([TimerTrigger("0 0 2 * * *")] TimerInfo timer) => Assert.NotNull(timer);
    }

    internal sealed class RetriedQueue
    {
        [Function("Retried")]
        [ExponentialBackoffRetry(2, "00:00:01", "00:01:00")]
        public static void Run([ServiceBusTrigger("q")] string body) => Assert.NotNull(body);
    }

    internal sealed class Twins
    {
        [Function("same")]
        public static void First([TimerTrigger("0 0 2 * * *")] TimerInfo timer) => Assert.NotNull(timer);

        [Function("Same")]
        public static void Second([TimerTrigger("0 0 2 * * *")] TimerInfo timer) => Assert.NotNull(timer);
    }

    internal sealed class AsyncVoid
    {
        [Function("AsyncVoid")]
        public static async void Run([TimerTrigger("0 0 2 * * *")] TimerInfo timer) => await Task.Yield();
    }

    internal sealed class NoTrigger
    {
        [Function("NoTrigger")]
        public static void Run(FunctionContext context) => Assert.NotNull(context);
    }

    internal sealed class Topic
    {
        [Function("Topic")]
        public static void Run([ServiceBusTrigger("topic", "subscription")] ServiceBusReceivedMessage message) => Assert.NotNull(message);
    }

    internal sealed class Unbound
    {
        [Function("Unbound")]
        public static void Run([ServiceBusTrigger("q")] string body, IServiceProvider service) => Assert.NotNull(service);
    }

    internal sealed class HttpWithoutAnswer
    {
        [Function("HttpWithoutAnswer")]
        public static string Run([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request) => request.Path;
    }

    internal sealed class Hidden
    {
        [Function("Hidden")]
        private static void Run([TimerTrigger("0 0 2 * * *")] TimerInfo timer) => Assert.NotNull(timer);
    }
}
