using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailApi.Tests.Http;

namespace MailApi.Tests.Security;

/// <summary>S-19 and S-22: what a caller writes is what the recipient gets: nothing in it is run as a template, and no link in it is led through us.</summary>
public sealed class TextTests(TestHost host)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("{{7*7}} ${7*7} #{7*7} <%= 7*7 %> @(7*7) [[${7*7}]] {{= 7*7 }} *{7*7} {7*7} %(7)s $7")]
    [InlineData("{% for a in (1..100000) %}{% for b in (1..100000) %}{{a}}{% endfor %}{% endfor %}{% include '/etc/passwd' %}{% render self %}")]
    [InlineData("{{#each items}}{{> self}}{{/each}}{{constructor.constructor('return process')()}}{{ ''.GetType().Assembly }}")]
    [InlineData("<a href=\"https://shop.example/o?a=1&b=%7B%7Bx%7D%7D#top\" ping=\"//evil.example\">1</a><img src=\"https://shop.example/p.gif\"><a href='javascript:alert(1)'>2</a>")]
    public async Task What_looks_like_a_template_or_a_link_reaches_the_recipient_as_it_was_written(string text)
    {
        var tenant = await host.AnyTenant();
        var recipient = $"text-{Guid.NewGuid():N}@example.net";
        var mail = tenant.Mail(recipient);
        (mail["subject"], mail["text"], mail["html"], mail["headers"]) = (text, text, text, new JsonObject { ["X-Order"] = text });
        await tenant.Send(mail);

        var arrived = (await host.Sink.WaitFor(recipient, TimeSpan.FromSeconds(60))).Mime;
        Assert.Equal((text, text, text, text), (arrived.Subject, arrived.TextBody!.TrimEnd(), arrived.HtmlBody!.TrimEnd(), arrived.Headers["X-Order"]));
    }

    [Theory]
    [InlineData("template")]
    [InlineData("templateId")]
    [InlineData("variables")]
    [InlineData("trackClicks")]
    [InlineData("trackOpens")]
    public async Task Members_that_would_ask_for_it_are_refused(string member)
    {
        var tenant = await host.AnyTenant();
        var mail = tenant.Mail("ann@example.net");
        mail[member] = "x";
        using var response = await tenant.Live.PostAsJsonAsync("/send", mail, Ct);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(member, await response.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }
}
