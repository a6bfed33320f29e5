using System.Net.Http.Json;

namespace Hindsight.Workflow;

/// <summary>Posts alerts to the address that a run names. The address is a secret: it is in no log and no error.</summary>
/// <param name="client">Follows no redirects: the alert goes where a person said, or nowhere.</param>
public sealed class AlertWebhook(HttpClient client)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A client for it.</summary>
    public static HttpClient NewClient() => new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) });

    /// <summary>Posts an alert.</summary>
    /// <returns>Why it was not taken, in words without the address; null when it was.</returns>
    public async Task<string?> PostAsync(Uri address, Alert alert, CancellationToken cancellation)
    {
        if (address.Scheme != Uri.UriSchemeHttps)
        {
            return "its address is not https";
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = JsonContent.Create(alert, options: Json.Compact) };
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            return response.IsSuccessStatusCode ? null : $"it answered {(int)response.StatusCode}";
        }
        catch (HttpRequestException exception)
        {
            return $"it cannot be reached ({exception.HttpRequestError})";
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return $"it did not answer within {Patience.TotalSeconds:0} seconds";
        }
    }
}
