using Azure.Messaging.ServiceBus;
using Microsoft.Azure.Functions.Worker.Host;
using Microsoft.Extensions.Configuration;

namespace Hindsight.Standins.Tests;

public sealed class HostSettingsTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("hindsight-host-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Host_json_is_read_and_settings_override_it()
    {
        WriteHostJson("""{"functionTimeout":"02:00:00","extensions":{"serviceBus":{"maxConcurrentCalls":3,"autoCompleteMessages":false,"maxAutoLockRenewalDuration":"02:15:00"}}}""");

        var read = Settings();
        var overridden = Settings(("AzureFunctionsJobHost:extensions:serviceBus:maxConcurrentCalls", "7"));

        Assert.Equal((TimeSpan.FromHours(2), 3, false), (read.FunctionTimeout, read.MaxConcurrentCalls, read.AutoCompleteMessages));
        Assert.Equal(TimeSpan.FromMinutes(135), read.MaxAutoLockRenewalDuration);
        Assert.Equal((7, TimeSpan.FromHours(2)), (overridden.MaxConcurrentCalls, overridden.FunctionTimeout));
    }

    [Fact]
    public void Without_host_json_the_documented_defaults_hold()
    {
        var settings = Settings();
        Assert.Equal((TimeSpan.FromMinutes(30), 16, true), (settings.FunctionTimeout, settings.MaxConcurrentCalls, settings.AutoCompleteMessages));
        Assert.Equal(TimeSpan.FromMinutes(5), settings.MaxAutoLockRenewalDuration);
    }

    [Fact]
    public void A_timeout_of_minus_one_is_no_timeout() => Assert.Null(Settings(("AzureFunctionsJobHost:functionTimeout", "-1")).FunctionTimeout);

    [Fact]
    public void A_wrong_host_json_is_named()
    {
        WriteHostJson("{ \"functionTimeout\": ");
        Assert.Contains("host.json", Assert.Throws<InvalidDataException>(() => Settings()).Message, StringComparison.Ordinal);
        Assert.Contains("functionTimeout is 'soon'", Assert.Throws<InvalidDataException>(
            () => { WriteHostJson("""{"functionTimeout":"soon"}"""); return Settings().FunctionTimeout; }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Percent_signs_take_in_a_setting()
    {
        Assert.Equal("a-x-b", Settings(("Name", "x")).Resolve("a-%Name%-b"));
        Assert.Equal("x", Settings(("Section:Name", "x")).Resolve("%Section__Name%"));
        Assert.Contains("Nothing", Assert.Throws<InvalidOperationException>(() => Settings().Resolve("%Nothing%")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_connection_is_a_setting_and_one_by_identity_is_refused()
    {
        Assert.Equal("x", Settings(("ServiceBus", "x")).Connection("ServiceBus"));
        Assert.Contains("ServiceBus", Assert.Throws<InvalidOperationException>(() => Settings().Connection("ServiceBus")).Message, StringComparison.Ordinal);
        Assert.Throws<NotSupportedException>(() => Settings(("ServiceBus:fullyQualifiedNamespace", "x")).Connection("ServiceBus"));
    }

    [Fact]
    public void A_function_can_be_disabled_by_the_setting_that_Azure_has_for_it()
    {
        Assert.True(Settings(("AzureWebJobs.Planner.Disabled", "true")).IsDisabled("Planner"));
        Assert.True(Settings(("AzureWebJobs:Planner:Disabled", "1")).IsDisabled("Planner"));
        Assert.False(Settings(("AzureWebJobs.Planner.Disabled", "false")).IsDisabled("Planner"));
        Assert.False(Settings().IsDisabled("Planner"));
    }

    [Fact]
    public void A_queue_can_be_described_in_its_connection_string()
    {
        Assert.Throws<ArgumentException>(() => new ServiceBusClient("UseDevelopmentStorage=true;QueueLockDuration=00:00:00.5"));
        Assert.Throws<ArgumentException>(() => new ServiceBusClient("UseDevelopmentStorage=true;QueueMaxDeliveryCount=0"));
        Assert.Equal("127.0.0.1", new ServiceBusClient("UseDevelopmentStorage=true;QueueMaxDeliveryCount=9").FullyQualifiedNamespace);
    }

    private HostSettings Settings(params (string Key, string Value)[] settings) => new(new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Append(("AzureWebJobsScriptRoot", folder.FullName)).Select(pair => KeyValuePair.Create(pair.Item1, (string?)pair.Item2)))
        .Build());

    private void WriteHostJson(string json) => File.WriteAllText(Path.Combine(folder.FullName, "host.json"), json);
}
