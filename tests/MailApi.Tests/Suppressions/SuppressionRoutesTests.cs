using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using MailApi.Suppressions;
using MailApi.Tests.Http;

namespace MailApi.Tests.Suppressions;

public sealed class SuppressionRoutesTests(TestHost host)
{
    [Fact]
    public async Task A_file_comes_in_and_goes_out_again()
    {
        var tenant = await host.NewTenant();
        var result = await TestHost.Json(await Import(tenant, "address,category,reason,source\nann@example.net,marketing,unsubscribe,old provider\nnobody,,,\n"));

        Assert.Equal((1, 0, 0, 1), (Of("imported"), Of("updated"), Of("unchanged"), Of("refused")));
        Assert.Equal(3, result.GetProperty("errors")[0].GetProperty("line").GetInt32());
        using var export = await tenant.Live.GetAsync("/suppressions/export");
        Assert.Equal("text/csv; charset=utf-8", export.Content.Headers.ContentType?.ToString());
        Assert.Equal("suppressions.csv", export.Content.Headers.ContentDisposition?.FileName);
        var lines = (await export.Content.ReadAsStringAsync()).Split("\r\n");
        Assert.Equal("address,category,reason,source,since,expiresAt,override", lines[0]);
        Assert.StartsWith("ann@example.net,marketing,unsubscribe,old provider,2", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("Z,,", lines[1], StringComparison.Ordinal);

        int Of(string name) => result.GetProperty(name).GetInt32();
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("ann@example.net\n")]
    [InlineData("reason,category\n")]
    [InlineData("address;reason\n")]
    [InlineData("address,address\n")]
    [InlineData("address,categroy\n")]
    [InlineData("Address\n")]
    [InlineData("\"address\n")]
    public async Task A_file_that_does_not_name_its_columns_is_refused(string file)
    {
        using var response = await Import(await host.AnyTenant(), file);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("errors").GetProperty("header")[0].GetString();
        Assert.Contains("The first line names the columns", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/vnd.ms-excel")]
    public async Task A_file_is_taken_whatever_it_is_labelled_with(string? contentType)
    {
        var tenant = await host.NewTenant();
        var file = new ByteArrayContent("address\nann@example.net\n"u8.ToArray()) { Headers = { ContentType = contentType is null ? null : MediaTypeHeaderValue.Parse(contentType) } };
        var result = await TestHost.Json(await tenant.Live.PostAsync("/suppressions/import", file));
        Assert.Equal(1, result.GetProperty("imported").GetInt32());
    }

    [Fact]
    public async Task What_is_no_csv_or_too_much_of_it_is_refused_unread()
    {
        var tenant = await host.AnyTenant();
        using var json = await tenant.Live.PostAsJsonAsync("/suppressions/import", new { address = "ann@example.net" });
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, json.StatusCode);

        using var content = new StringContent("address\n", new MediaTypeHeaderValue("text/csv"));
        content.Headers.ContentLength = SuppressionImport.FileOctetsMax + 1;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/suppressions/import") { Content = content, Headers = { ExpectContinue = true } };
        using var large = await tenant.Live.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
    }

    [Fact]
    public async Task An_entry_may_end_by_itself()
    {
        var tenant = await host.AnyTenant();
        var address = $"ann.{Guid.NewGuid():N}@example.net";
        var entry = await TestHost.Json(await tenant.Live.PostAsJsonAsync("/suppressions", new { address, expiresAt = "2999-01-01T00:00:00Z" }));
        Assert.Equal(new DateTimeOffset(2999, 1, 1, 0, 0, 0, TimeSpan.Zero), entry.GetProperty("expiresAt").GetDateTimeOffset());

        using var past = await tenant.Live.PostAsJsonAsync("/suppressions", new { address, expiresAt = "2020-01-01T00:00:00Z" });
        Assert.Equal(HttpStatusCode.UnprocessableEntity, past.StatusCode);
    }

    [Fact]
    public async Task An_overridden_entry_lets_mail_through_until_the_same_happens_again()
    {
        var tenant = await host.NewTenant();
        var recipient = $"550-{Guid.NewGuid():N}@example.net";
        await tenant.WaitFor(await tenant.Send(tenant.Mail(recipient)), "bounced");
        await tenant.WaitFor(await tenant.Send(tenant.Mail(recipient)), "suppressed");
        var entry = Assert.Single((await TestHost.Json(await tenant.Live.GetAsync($"/suppressions?address={recipient}"))).GetProperty("items").EnumerateArray());
        var path = $"/suppressions/{entry.GetProperty("id").GetString()}/override";

        var overridden = await TestHost.Json(await tenant.Live.PostAsJsonAsync(path, new { reason = "The address is back." }));
        Assert.StartsWith("key_", overridden.GetProperty("override").GetProperty("by").GetString(), StringComparison.Ordinal);
        Assert.Equal("The address is back.", overridden.GetProperty("override").GetProperty("reason").GetString());
        Assert.Equal("hardBounce", overridden.GetProperty("reason").GetString());
        await tenant.WaitFor(await tenant.Send(tenant.Mail(recipient)), "bounced");
        await tenant.WaitFor(await tenant.Send(tenant.Mail(recipient)), "suppressed");

        await TestHost.Json(await tenant.Live.PostAsJsonAsync(path, new { reason = "Again." }));
        var ended = await TestHost.Json(await tenant.Live.DeleteAsync(path));
        Assert.False(ended.TryGetProperty("override", out _));
        await tenant.WaitFor(await tenant.Send(tenant.Mail(recipient)), "suppressed");
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("a\nb")]
    [InlineData(null)]
    public async Task An_override_has_its_reason(string? reason)
    {
        var tenant = await host.AnyTenant();
        using var response = await tenant.Live.PostAsJsonAsync($"/suppressions/sup_{Guid.CreateVersion7():N}/override", new { reason });

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
    }

    private static async Task<HttpResponseMessage> Import(TestTenant tenant, string file)
    {
        using var content = new StringContent(file, Encoding.UTF8, "text/csv");
        return await tenant.Live.PostAsync("/suppressions/import", content);
    }
}
