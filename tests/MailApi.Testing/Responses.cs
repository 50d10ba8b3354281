using System.Text.Json;

namespace MailApi.Testing;

/// <summary>What the service answered.</summary>
public static class Responses
{
    /// <summary>The body of a success.</summary>
    /// <exception cref="HttpRequestException">It is none; the message has the request and what was answered.</exception>
    public static async Task<JsonElement> Json(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode) throw new HttpRequestException($"{response.RequestMessage?.Method} {response.RequestMessage?.RequestUri} → {(int)response.StatusCode} {text}", inner: null, response.StatusCode);
        return JsonDocument.Parse(text).RootElement.Clone();
    }
}
