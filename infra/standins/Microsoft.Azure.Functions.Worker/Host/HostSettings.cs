using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;

namespace Microsoft.Azure.Functions.Worker.Host;

/// <summary>
/// <c>host.json</c>, from the folder in the setting AzureWebJobsScriptRoot or else beside the app, with settings over it
/// (<c>AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls=2</c>), and what attributes take from settings.
/// </summary>
internal sealed partial class HostSettings(IConfiguration settings)
{
    private readonly IConfiguration host = HostJson(settings);

    /// <summary>Null is no limit.</summary>
    public TimeSpan? FunctionTimeout => host["functionTimeout"] switch
    {
        null => TimeSpan.FromMinutes(30),
        "-1" => null,
        var text => Time("functionTimeout", text),
    };

    public int MaxConcurrentCalls => host["extensions:serviceBus:maxConcurrentCalls"] is { } text
        ? int.Parse(text, CultureInfo.InvariantCulture) is var calls and > 0 ? calls : throw Wrong("maxConcurrentCalls", text, "a number above 0")
        : 16;

    public bool AutoCompleteMessages => host["extensions:serviceBus:autoCompleteMessages"] is not { } text || bool.Parse(text);

    public TimeSpan MaxAutoLockRenewalDuration => Time("maxAutoLockRenewalDuration", host["extensions:serviceBus:maxAutoLockRenewalDuration"] ?? "00:05:00");

    public string RoutePrefix => host["extensions:http:routePrefix"] ?? "api";

    /// <summary>
    /// How long a message whose function failed stays away (setting ServiceBusRetryDelay). In Azure it comes back at once.
    /// </summary>
    public TimeSpan RetryDelay => Time("ServiceBusRetryDelay", settings["ServiceBusRetryDelay"] ?? "00:00:01");

    /// <summary>The loopback port of HTTP functions (setting LocalHttpPort), 0 for any free one.</summary>
    public int HttpPort => int.Parse(settings["LocalHttpPort"] ?? "7071", CultureInfo.InvariantCulture);

    /// <summary>Whether the app ends with its standard input.</summary>
    public bool StopWhenInputEnds => settings["StopWhenInputEnds"] == "true";

    /// <summary>Where HTTP functions answer, for whoever wants to know: the setting LocalHttpAddress.</summary>
    public void SetHttpAddress(string address) => settings["LocalHttpAddress"] = address;

    public IReadOnlyList<string> BlobEventContainers =>
        (settings["BlobEvents:Containers"] ?? "checkpoints").Split([',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    public string BlobEventQueue => settings["BlobEvents:Queue"] ?? "uploads";

    public string BlobEventStorage => settings["BlobEvents:Connection"] ?? "Storage";

    public TimeSpan BlobEventInterval => Time("BlobEvents__Interval", settings["BlobEvents:Interval"] ?? "00:00:00.5");

    public bool IsDisabled(string function) =>
        (settings[$"AzureWebJobs.{function}.Disabled"] ?? settings[$"AzureWebJobs:{function}:Disabled"]) is "1" or "true" or "True";

    /// <summary>A connection string by the name that a trigger gives.</summary>
    public string Connection(string name) => settings[name] is { Length: > 0 } connection
        ? connection
        : throw (settings.GetSection(name).GetChildren().Any()
            ? new NotSupportedException($"The settings {name}__... describe a connection by identity, which needs Azure: set {name} to a storage connection string, or build with -p:Feed=nuget.")
            : new InvalidOperationException($"The setting {name} is missing: it holds the connection string that a trigger asks for."));

    /// <summary>Replaces each %Name% by the setting of that name.</summary>
    public string Resolve(string text) => SettingInPercents().Replace(text, match => settings[match.Groups[1].Value.Replace("__", ":", StringComparison.Ordinal)]
        ?? throw new InvalidOperationException($"{match.Value} does not resolve to a value: the setting {match.Groups[1].Value} is missing."));

    public static IConfiguration Logging(IConfiguration settings)
    {
        var levels = HostJson(settings).GetSection("logging:logLevel").GetChildren().ToDictionary(level => $"LogLevel:{level.Key}", level => level.Value);
        return new ConfigurationBuilder().AddInMemoryCollection(levels).Build();
    }

    /// <summary>The settings file that belongs to a developer's machine, beneath all other sources.</summary>
    public static void AddLocalSettings(ConfigurationManager settings)
    {
        const string File = "local.settings.json";
        if (!System.IO.File.Exists(File))
        {
            return;
        }

        try
        {
            using var document = JsonDocument.Parse(System.IO.File.ReadAllBytes(File));
            ((IConfigurationBuilder)settings).Sources.Insert(0, new MemoryConfigurationSource
            {
                InitialData = [.. document.RootElement.GetProperty("Values").EnumerateObject()
                    .Select(value => KeyValuePair.Create(value.Name.Replace("__", ":", StringComparison.Ordinal), (string?)value.Value.ToString()))],
            });
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InvalidDataException($"{Path.GetFullPath(File)} must be a JSON object with an object \"Values\": {e.Message}", e);
        }
    }

    private static IConfiguration HostJson(IConfiguration settings)
    {
        var file = Path.Combine(settings["AzureWebJobsScriptRoot"] ?? AppContext.BaseDirectory, "host.json");
        try
        {
            return new ConfigurationBuilder()
                .AddJsonFile(Path.GetFullPath(file), optional: true)
                .AddConfiguration(settings.GetSection("AzureFunctionsJobHost"))
                .Build();
        }
        catch (Exception e) when (e is InvalidDataException or FormatException)
        {
            throw new InvalidDataException($"{file} is not valid JSON: {e.InnerException?.Message ?? e.Message}", e);
        }
    }

    private static TimeSpan Time(string name, string text) =>
        TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) && time >= TimeSpan.Zero ? time : throw Wrong(name, text, "a time such as 00:05:00");

    private static InvalidDataException Wrong(string name, string text, string wanted) => new($"{name} is '{text}': give {wanted}.");

    [GeneratedRegex("%([^%]+)%")]
    private static partial Regex SettingInPercents();
}
