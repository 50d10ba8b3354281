using System.Text.RegularExpressions;
using MailApi.Tests.Http;

namespace MailApi.Tests.Contracts;

public sealed partial class ReferencePageTests(TestHost host)
{
    [Fact]
    public async Task The_page_names_no_other_host_and_may_call_none()
    {
        using var response = await host.Anonymous.GetAsync("/docs/");
        var page = await response.Content.ReadAsStringAsync();
        var policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy"));

        var own = host.Anonymous.BaseAddress!.GetLeftPart(UriPartial.Authority);
        Assert.DoesNotContain("//", page.Replace("<!doctype html>", "", StringComparison.Ordinal).Replace(own, "", StringComparison.Ordinal));
        Assert.StartsWith("default-src 'none';", policy);
        Assert.DoesNotMatch(@"https?:|\*|'unsafe-eval'", policy);
        Assert.All(Scripts().Matches(page), script => Assert.Contains($"nonce=\"{Nonce().Match(policy).Groups[1].Value}\"", script.Value));
    }

    [Fact]
    public async Task Every_page_has_a_nonce_of_its_own()
    {
        Assert.NotEqual(await host.Anonymous.GetStringAsync("/docs/"), await host.Anonymous.GetStringAsync("/docs/"));
    }

    [Fact]
    public async Task What_the_page_loads_is_served_here()
    {
        var page = await host.Anonymous.GetStringAsync("/docs/");
        var sources = Sources().Matches(page).Select(match => match.Groups[1].Value).Append("../openapi/v1.json").ToList();

        Assert.Contains("scalar.js", sources);
        foreach (var source in sources) Assert.NotEmpty(await host.Anonymous.GetByteArrayAsync("/docs/" + source));
    }

    [GeneratedRegex("<script[^>]*>")]
    private static partial Regex Scripts();

    [GeneratedRegex("<script[^>]* src=\"([^\"]+)\"")]
    private static partial Regex Sources();

    [GeneratedRegex("'nonce-([^']+)'")]
    private static partial Regex Nonce();
}
