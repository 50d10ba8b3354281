using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailApi.Testing;
using MailApi.Tests.Architecture;

namespace MailApi.Tests.Http;

/// <summary>S-10, S-11: a tenant sends in the name of another's domain, by a form of it that one reader takes for the domain and another does not.</summary>
public sealed class ImpersonationTests(TestHost host)
{
    /// <summary>{a} is the victim's verified domain, {b} the sender's own.</summary>
    internal static readonly string[] Forms =
    [
        "orders@{a}", "Shop <orders@{a}>", "orders@{A}", "orders@{a}.", "orders@.{a}", "orders@sub.{a}", "orders@{a}:25", "orders@{a}/", "orders@{a}#{b}", "orders@{a}\\{b}",
        // UTS-46 maps these to the domain itself, or they are no domain.
        "orders@{fullwidth}", "orders@{ideographic-dots}", "orders@{soft-hyphen}", "orders@{zero-width}", "orders@{combining}",
        // Other domains that look alike.
        "orders@{cyrillic}", "orders@{dotless}", "orders@xn--{a}",
        // Several authors, groups, comments, routes.
        "orders@{a}, x@{b}", "x@{b}, orders@{a}", "<orders@{a}>, <x@{b}>", "x@{b};orders@{a}", "Shop: orders@{a};", "Shop: orders@{a}, x@{b};", "Shop:;, x@{b}", "<@{b}:orders@{a}>", "<@{a}:x@{b}>",
        "orders@{a} (x@{b})", "(x@{b}) orders@{a}", "orders@{a}(", "x@{b} orders@{a}",
        // A name that is an address, or an end of the angle brackets before the end.
        "orders@{a} <x@{b}>", "<orders@{a}> <x@{b}>", "x@{b} <orders@{a}>", "\"x@{b}\" <orders@{a}>", "<x@{b}> orders@{a}", "\"Shop\" <orders@{a}> <x@{b}>", "<<orders@{a}>>", "<orders@{a}>x@{b}", "Shop <orders@{a}",
        "Shop orders@{a}>", "\"Shop <orders@{a}>", "=?utf-8?Q?orders=40{a}?= <orders@{a}>",
        // Quotes, percent, two at signs, addresses of hosts, other octets.
        "\"x@{b}\"@{a}", "x%{b}@{a}", "x@{b}@{a}", "orders@{a}@{b}", "orders@[127.0.0.1]", "orders@[{a}]", "orders@127.0.0.1", "orders@{b}\0@{a}", "orders@{a}\0", "orders@{a}\r\nFrom: x@{b}", " ", "orders@{a} ,", "mailto:orders@{a}",
    ];

    [Fact]
    public async Task No_form_of_anothers_domain_is_accepted_as_From()
    {
        var (victim, tenant) = (await host.NewTenant(), await host.NewTenant());
        var wrong = new List<string>();
        foreach (var form in Forms)
        {
            var mail = tenant.Mail("ann@example.net");
            mail["from"] = Fill(form, victim.Domain, tenant.Domain);
            using var response = await tenant.Live.PostAsJsonAsync("/send", mail);
            if (response.StatusCode is not (HttpStatusCode.Forbidden or HttpStatusCode.UnprocessableEntity)) wrong.Add($"{form} ({mail["from"]}): {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        }
        Rule.Holds(wrong);
        foreach (var one in new[] { victim, tenant })
            Assert.Empty((await TestHost.Json(await one.Live.GetAsync("/messages"))).GetProperty("items").EnumerateArray());
    }

    [Theory]
    [InlineData("Sender"), InlineData("From"), InlineData("from"), InlineData("Resent-From"), InlineData("Resent-Sender"), InlineData("Return-Path"), InlineData("Reply-To")]
    [InlineData("DKIM-Signature"), InlineData("CFBL-Address"), InlineData("Authentication-Results"), InlineData("From "), InlineData("From:"), InlineData("FrOm"), InlineData("Sender\u200b")]
    public async Task No_header_names_another_author(string name)
    {
        var tenant = await host.AnyTenant();
        var mail = tenant.Mail("ann@example.net");
        mail["headers"] = new JsonObject { [name] = "orders@victim.example" };
        using var response = await tenant.Live.PostAsJsonAsync("/send", mail);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
    }

    [Fact]
    public async Task A_quoted_name_that_looks_like_an_address_stays_a_name()
    {
        var tenant = await host.AnyTenant();
        var recipient = $"ann.{Guid.NewGuid():N}@example.net";
        var mail = tenant.Mail(recipient);
        mail["from"] = $"\"<orders@victim.example>, \\\"x\\\"\" <x@{tenant.Domain}>";
        await tenant.Send(mail);
        var arrived = await host.Sink.WaitFor(recipient, TimeSpan.FromSeconds(60));
        var author = Assert.Single(arrived.Mime.From.Mailboxes);
        Assert.Equal($"x@{tenant.Domain}", author.Address);
        Assert.EndsWith("@bounces." + tenant.Domain, arrived.MailFrom, StringComparison.Ordinal);
        Assert.Contains($"d={tenant.Domain};", arrived.Header("DKIM-Signature")!.Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_From_members_are_refused()
    {
        var tenant = await host.AnyTenant();
        var mail = tenant.Mail("ann@example.net").ToJsonString();
        foreach (var second in new[] { "from", "\\u0066rom", "From", "FROM" })
        {
            using var content = new StringContent(mail.Insert(1, $"\"{second}\":\"orders@victim.example\","), System.Text.Encoding.UTF8, "application/json");
            using var response = await tenant.Live.PostAsync("/send", content);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }
    }

    [Trait("Takes", "seconds")]
    [Fact]
    public async Task Nobody_registers_a_form_of_anothers_domain()
    {
        var (victim, tenant) = (await host.NewTenant(), await host.NewTenant());
        (string Form, HttpStatusCode Status)[] forms =
        [
            ("{a}", HttpStatusCode.Conflict), ("{A}", HttpStatusCode.Conflict), ("{fullwidth}", HttpStatusCode.Conflict), ("{ideographic-dots}", HttpStatusCode.Conflict), ("{soft-hyphen}", HttpStatusCode.Conflict),
            ("sub.{a}", HttpStatusCode.Conflict), ("{a}.", HttpStatusCode.UnprocessableEntity), (".{a}", HttpStatusCode.UnprocessableEntity), (" {a}", HttpStatusCode.UnprocessableEntity),
            ("{a}\0", HttpStatusCode.UnprocessableEntity), ("*.{a}", HttpStatusCode.UnprocessableEntity), ("{zero-width}", HttpStatusCode.UnprocessableEntity),
        ];
        foreach (var (form, status) in forms)
        {
            using var response = await tenant.Live.PostAsJsonAsync("/domains", new { name = Fill(form, victim.Domain, tenant.Domain), categories = new[] { "notification" } });
            Assert.Equal($"{form}: {status}", $"{form}: {response.StatusCode}");
        }
    }

    [Fact]
    public async Task A_homograph_is_another_domain_that_must_be_verified_by_itself()
    {
        var (victim, tenant) = (await host.NewTenant(), await host.NewTenant());
        var name = Fill("{cyrillic}", victim.Domain, tenant.Domain);
        var domain = await TestHost.Json(await tenant.Live.PostAsJsonAsync("/domains", new { name, categories = new[] { "notification" } }));
        Assert.StartsWith("xn--", domain.GetProperty("name").GetString(), StringComparison.Ordinal);
        Assert.Equal("pending", domain.GetProperty("state").GetString());
        var mail = tenant.Mail("ann@example.net");
        mail["from"] = "orders@" + name;
        using var response = await tenant.Live.PostAsJsonAsync("/send", mail);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Contains("domain-not-allowed", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    internal static string Fill(string form, string victim, string own) => form
        .Replace("{fullwidth}", "ｍ" + victim[1..], StringComparison.Ordinal)
        .Replace("{ideographic-dots}", victim.Replace('.', '。'), StringComparison.Ordinal)
        .Replace("{soft-hyphen}", victim.Insert(2, "\u00AD"), StringComparison.Ordinal)
        .Replace("{zero-width}", victim.Insert(2, "\u200D"), StringComparison.Ordinal)
        .Replace("{combining}", victim.Insert(0, "\u0301"), StringComparison.Ordinal)
        .Replace("{cyrillic}", victim.Replace("mail", "m\u0430il", StringComparison.Ordinal), StringComparison.Ordinal)
        .Replace("{dotless}", victim.Replace("mail", "ma\u0131l", StringComparison.Ordinal), StringComparison.Ordinal)
        .Replace("{A}", victim.ToUpperInvariant(), StringComparison.Ordinal)
        .Replace("{a}", victim, StringComparison.Ordinal)
        .Replace("{b}", own, StringComparison.Ordinal);
}
