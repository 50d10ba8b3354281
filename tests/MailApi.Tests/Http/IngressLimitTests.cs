using MailApi.Api;
using MailApi.Tenants;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace MailApi.Tests.Http;

public sealed class IngressLimitTests : IDisposable
{
    private readonly FakeTimeProvider clock = new();
    private readonly IngressLimit limit;

    public IngressLimitTests() => limit = new IngressLimit(clock);

    public void Dispose() => limit.Dispose();

    [Fact]
    public void The_header_fields_tell_the_burst_what_is_left_of_it_and_when_it_is_whole_again()
    {
        var tenant = PrefixedId.New<TenantId>();
        var rate = new IngressRate(PerSecond: 2, Burst: 5);

        // A second that has begun counts: who waits so long finds the burst whole.
        Assert.Equal(
        [
            "r=4;t=1", "r=3;t=1", "r=2;t=2", "r=1;t=2", "r=0;t=3", "r=0;t=3 429 after 1",
        ], Enumerable.Range(0, 6).Select(_ => Take(tenant, rate)));
        Assert.Equal("r=9;t=1", Take(PrefixedId.New<TenantId>(), new IngressRate(PerSecond: 1, Burst: 10), policy: "q=10;w=10"));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("r=1;t=2", Take(tenant, rate));
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal("r=4;t=1", Take(tenant, rate));
        // What is changed besides has a count of its own.
        Assert.Equal("r=4;t=1", Take(tenant, rate, sends: false));
    }

    private string Take(TenantId tenant, IngressRate rate, string policy = "q=5;w=3", bool sends = true)
    {
        var context = new DefaultHttpContext();
        var refusal = limit.Take(context, tenant, rate, sends);
        var headers = context.Response.Headers;
        var name = sends ? "\"tenant\";" : "\"tenant-changes\";";
        Assert.Equal(name + policy, headers["RateLimit-Policy"]);
        Assert.StartsWith(name, headers["RateLimit"]);
        return headers["RateLimit"].ToString()[name.Length..] + (refusal is null ? "" : $" {refusal.StatusCode} after {headers.RetryAfter}");
    }
}
