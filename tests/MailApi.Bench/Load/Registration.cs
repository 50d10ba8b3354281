using System.Net.Http.Json;
using System.Text.Json;

namespace MailApi.Bench;

/// <summary>Tenants and domains that no limit holds back, made as an operator makes them.</summary>
internal static class Registration
{
    private const int NoLimit = 10_000;

    /// <summary>A new tenant with these domains; they share its live key.</summary>
    public static async Task<IReadOnlyList<Sender>> Register(HttpClient admin, params IReadOnlyList<string> domains)
    {
        var tenant = await Json(await admin.PostAsJsonAsync("/tenants", new { name = "Shop", ingressRate = new { perSecond = NoLimit, burst = NoLimit } }));
        foreach (var domain in domains)
            await Json(await admin.PostAsJsonAsync("/domains", new
            {
                tenant = tenant.GetProperty("id").GetString(),
                name = domain,
                verification = "manual",
                categories = new[] { "notification", "marketing" },
                rate = new { perSecond = NoLimit, burst = NoLimit },
            }));
        var live = tenant.GetProperty("keys").EnumerateArray().First(key => key.GetProperty("mode").GetString() == "live").GetProperty("key").GetString()!;
        return [.. domains.Select(domain => new Sender(live, domain))];
    }

    /// <exception cref="InvalidOperationException">It is a refusal.</exception>
    public static async Task<JsonElement> Json(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"{response.RequestMessage?.RequestUri} → {(int)response.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement.Clone();
    }
}
