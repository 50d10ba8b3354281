using System.Net.Http.Json;
using System.Text.RegularExpressions;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Security;

/// <summary>S-31, in Chromium: what a tenant writes and a recipient sees is text, whatever it is made to look like.</summary>
public sealed partial class ScriptTests(SharedServers servers)
{
    private const string Owned = "document.title='owned'";

    private static readonly string[] Corpus =
    [
        $"<script>{Owned}</script>", $"</label><script>{Owned}</script>", $"\"><script>{Owned}</script>", $"'><svg onload={Owned}>", $"<img src=x onerror={Owned}>",
        $"<svg><animate onbegin={Owned} attributeName=x dur=1s>", $"<details open ontoggle={Owned}>", $"<input autofocus onfocus={Owned}>", $"<body onload={Owned}>",
        $"<iframe srcdoc=\"<script>parent.{Owned}</script>\">", $"<iframe src=\"javascript:parent.{Owned}\">", $"</style><script>{Owned}</script>", $"</title><script>{Owned}</script>",
        $"<!--><script>{Owned}</script>-->", $"<math><mtext></p><script>{Owned}</script>", $"<noscript><p title=\"</noscript><img src=x onerror={Owned}>\">", $"&lt;script&gt;{Owned}&lt;/script&gt;",
        $"＜script＞{Owned}＜/script＞", $"<video><source onerror={Owned}></video>", $"<audio src=x onerror={Owned}>", $"<marquee onstart={Owned}>", $"<object data=\"javascript:{Owned}\">",
        $"<link rel=stylesheet href=x onerror={Owned}>", $"<meta http-equiv=refresh content=\"0;url=javascript:{Owned}\">", $"<form action=javascript:{Owned}><button autofocus>x", $"<a href=javascript:{Owned} autofocus>x</a>",
    ];

    [Fact]
    public async Task What_a_tenant_writes_is_text_on_the_page_of_a_recipient()
    {
        using var profile = new TempDirectory();
        var page = "<title>page</title>" + string.Concat(Corpus.Select(text => $"<label><input type=checkbox>{text}</label>"));
        Assert.Contains("<title>owned", await Browse(profile, "data:text/html;charset=utf-8," + Uri.EscapeDataString(page)), StringComparison.Ordinal);

        await using var service = await ServiceUnderTest.Start(StoreProvider.Sqlite, servers);
        var tenant = await service.Tenant();
        await ServiceUnderTest.Json(await tenant.Live.PutAsJsonAsync("/topics", new { items = Corpus.Select((text, index) => new { name = $"topic-{index}", title = text, titleZh = text }) }));
        var id = (await ServiceUnderTest.Json(await tenant.Live.GetAsync("/sandbox/messages"))).GetProperty("items")[0].GetProperty("id").GetString();
        var raw = await tenant.Live.GetStringAsync($"/sandbox/messages/{id}/raw");
        var shown = await Browse(profile, new Uri(service.Address, UnsubscribeLink().Match(raw).Value).ToString());

        for (var index = 0; index < Corpus.Length; index++) Assert.Contains($"value=\"topic-{index}\"", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("<title>owned", shown, StringComparison.Ordinal);
        // Not even there, so that the page's policy need not hold it.
        foreach (var element in (string[])["script", "img", "svg", "iframe", "video", "audio", "object", "marquee", "details", "link", "math", "a "]) Assert.DoesNotContain("<" + element, shown, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The document as it is once its scripts have run; nothing but loopback is asked.</summary>
    private static Task<string> Browse(TempDirectory profile, string address) => Command.RunAsync(
        new Launch("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", $"--user-data-dir={profile.Path}", "--virtual-time-budget=2000", "--dump-dom", address), CancellationToken.None);

    [GeneratedRegex(@"/u/[A-Za-z0-9_-]+", RegexOptions.NonBacktracking)]
    private static partial Regex UnsubscribeLink();
}
