using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailApi.Tests.Architecture;

namespace MailApi.Tests.Http;

/// <summary>S-01: a text that a caller fills in becomes a header field of its own, or a second recipient, or the body.</summary>
public sealed class HeaderInjectionTests(TestHost host)
{
    private static readonly string[] Payloads =
    [
        "\r\n", "\n", "\r", "\0", "\u0085", "\u2028", "\u2029", "\u000b", "\u000c", "\u001b", "\u007f", "\t", "\r\n ", "\n\n", "\r\n\r\nbody", "\r\nBcc: victim@example.net\r\n", "\nBcc: victim@example.net",
        "\rBcc: victim@example.net", "\u2028Bcc: victim@example.net", "\r\n.\r\nMAIL FROM:<a@b.example>\r\n",
    ];

    /// <summary>A place for a text bound for a header, and the path that its refusal names.</summary>
    private static readonly (string Path, Action<JsonObject, string> Set)[] Fields =
    [
        ("from", (mail, text) => mail["from"] = mail["from"]!.GetValue<string>().Replace("Shop", $"Sh{text}op", StringComparison.Ordinal)),
        ("from", (mail, text) => mail["from"] = mail["from"]!.GetValue<string>() + text),
        ("to[0]", (mail, text) => mail["to"] = new JsonArray($"An{text}n <ann@example.net>")),
        ("to[0]", (mail, text) => mail["to"] = new JsonArray($"\"An{text}n\" <ann@example.net>")),
        ("to[0]", (mail, text) => mail["to"] = new JsonArray($"{text}ann@example.net")),
        ("to[1]", (mail, text) => mail["to"] = new JsonArray("ann@example.net", $"\"a{text}b\"@example.net")),
        ("cc[0]", (mail, text) => mail["cc"] = new JsonArray($"An{text}n <ann@example.net>")),
        ("cc[0]", (mail, text) => mail["cc"] = new JsonArray($"ann@exam{text}ple.net")),
        ("bcc[0]", (mail, text) => mail["bcc"] = new JsonArray($"ann@example.net{text}")),
        ("replyTo[0]", (mail, text) => mail["replyTo"] = new JsonArray($"{text}Help <help@example.net>")),
        ("subject", (mail, text) => mail["subject"] = text + "Order"),
        ("subject", (mail, text) => mail["subject"] = "Or" + text + "der"),
        ("subject", (mail, text) => mail["subject"] = "Order" + text),
        ("headers.X-Order", (mail, text) => mail["headers"] = new JsonObject { ["X-Order"] = "1" + text + "2" }),
        ("headers.X-Order", (mail, text) => mail["headers"] = new JsonObject { ["X-Order"] = "12" + text }),
        ("headers.List-Unsubscribe", (mail, text) => mail["headers"] = new JsonObject { ["List-Unsubscribe"] = $"<https://a.example/{text}>" }),
        ("headers.X-{text}Order", (mail, text) => mail["headers"] = new JsonObject { [$"X-{text}Order"] = "1" }),
        ("headers.X-Order{text}", (mail, text) => mail["headers"] = new JsonObject { [$"X-Order{text}"] = "1" }),
        ("tags[0]", (mail, text) => mail["tags"] = new JsonArray("ship" + text)),
        ("attachments[0].filename", (mail, text) => File(mail)["filename"] = $"a{text}.pdf"),
        ("attachments[0].filename", (mail, text) => File(mail)["filename"] = $"a.pdf{text}"),
        ("attachments[0].contentId", (mail, text) => File(mail)["contentId"] = $"lo{text}go"),
        ("attachments[0].contentId", (mail, text) => File(mail)["contentId"] = "logo" + text),
        ("attachments[0].contentType", (mail, text) => File(mail)["contentType"] = "application/pdf" + text),
        ("attachments[0].contentType", (mail, text) => File(mail)["contentType"] = $"application/{text}pdf"),
    ];

    [Fact]
    public async Task Control_characters_and_line_separators_are_422_in_everything_bound_for_a_header()
    {
        var tenant = await host.NewTenant();
        var wrong = new List<string>();
        foreach (var (path, set) in Fields)
            foreach (var payload in Payloads)
            {
                var mail = tenant.Mail("ann@example.net");
                set(mail, payload);
                using var content = new StringContent(mail.ToJsonString(), Encoding.UTF8, "application/json");
                using var response = await tenant.Live.PostAsync("/send", content);
                var answer = await response.Content.ReadAsStringAsync();
                var expected = path.Replace("{text}", payload, StringComparison.Ordinal);
                if (response.StatusCode != HttpStatusCode.UnprocessableEntity || !Paths(answer).SequenceEqual([expected]))
                    wrong.Add($"{path} with {JsonSerializer.Serialize(payload)}: {(int)response.StatusCode} {answer}");
            }
        Rule.Holds(wrong);
        Assert.Empty((await TestHost.Json(await tenant.Live.GetAsync("/messages"))).GetProperty("items").EnumerateArray());
    }

    [Theory]
    [InlineData("notification", "text", "From To Subject Date Message-ID CFBL-Address CFBL-Feedback-ID MIME-Version Content-Type Content-Transfer-Encoding")]
    [InlineData("support", "html,cc", "From To Cc Subject Date Message-ID CFBL-Address CFBL-Feedback-ID MIME-Version Content-Type Content-Transfer-Encoding")]
    [InlineData("notification", "text,html,replyTo", "From To Reply-To Subject Date Message-ID CFBL-Address CFBL-Feedback-ID MIME-Version Content-Type")]
    [InlineData("marketing", "text", "From To Subject Date Message-ID CFBL-Address CFBL-Feedback-ID MIME-Version Content-Type Content-Transfer-Encoding List-Unsubscribe List-Unsubscribe-Post")]
    [InlineData("notification", "text,headers,bcc,attachment", "From To Subject Date Message-ID CFBL-Address CFBL-Feedback-ID X-Order X-Note MIME-Version Content-Type")]
    [InlineData("marketing", "text,unsubscribe", "From To Subject Date Message-ID CFBL-Address CFBL-Feedback-ID List-Unsubscribe List-Unsubscribe-Post MIME-Version Content-Type Content-Transfer-Encoding")]
    [InlineData("marketing", "text,slowUnsubscribe", "From To Subject Date Message-ID CFBL-Address CFBL-Feedback-ID MIME-Version Content-Type Content-Transfer-Encoding List-Unsubscribe List-Unsubscribe-Post")]
    public async Task What_arrives_has_exactly_the_headers_of_the_model(string category, string has, string names)
    {
        var tenant = await host.AnyTenant();
        // Legal texts that look like fields, encoded words, folds, ends of quotes or ends of the header.
        foreach (var text in new[]
        {
            "Bcc: victim@example.net", "=?utf-8?Q?a=0D=0ABcc:_victim@example.net?=", "=?utf-8?B?DQpCY2M6IHZpY3RpbUBleGFtcGxlLm5ldA==?=", "a\\r\\nBcc: victim@example.net", "\", victim@example.net, \"", "\\\" <victim@example.net>,",
            string.Concat(Enumerable.Repeat("Bcc: v@example.net ", 48)), new string('ü', 300), "%0d%0aBcc: victim@example.net", "a" + new string(' ', 200) + "Bcc: victim@example.net",
        })
        {
            var recipient = $"ann.{Guid.NewGuid():N}@example.net";
            var quoted = text[..Math.Min(text.Length, 200)].Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
            var mail = tenant.Mail($"\"{quoted}\" <{recipient}>");
            mail["category"] = category;
            mail["subject"] = text;
            mail["text"] = $"{text}\n\n{text}\nFrom: x\n";
            foreach (var part in has.Split(',')) Add(mail, part, text);
            if (!has.Contains("text", StringComparison.Ordinal)) mail.Remove("text");
            await tenant.Send(mail);

            var arrived = await host.Sink.WaitFor(recipient, TimeSpan.FromSeconds(60));
            Assert.Equal(names.Split(' ').Append("DKIM-Signature").Order(StringComparer.Ordinal), FieldNames(arrived.Bytes).Order(StringComparer.Ordinal));
            Assert.Equal(text.Trim(), arrived.Mime.Subject);
            Assert.Equal(recipient, arrived.Mime.To.Mailboxes.Single().Address);
            Assert.False(arrived.HasStrayLineEnd);
        }
        Assert.DoesNotContain(host.Sink.Messages, message => message.Recipient.StartsWith("victim@", StringComparison.Ordinal));
    }

    private static void Add(JsonObject mail, string part, string text)
    {
        switch (part)
        {
            case "html":
                mail["html"] = $"<p>{WebUtility.HtmlEncode(text)}</p>";
                break;
            case "cc" or "replyTo" or "bcc":
                mail[part] = new JsonArray("other@example.net");
                break;
            case "headers":
                mail["headers"] = new JsonObject { ["X-Order"] = "1001", ["X-Note"] = text };
                break;
            case "unsubscribe":
                mail["headers"] = new JsonObject { ["List-Unsubscribe"] = "<https://shop.example/out>", ["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click" };
                break;
            case "slowUnsubscribe":
                mail["headers"] = new JsonObject { ["List-Unsubscribe"] = "<https://shop.example/out>" };
                break;
            case "attachment":
                File(mail)["filename"] = text[..Math.Min(text.Length, 200)];
                break;
        }
    }

    private static JsonNode File(JsonObject mail)
    {
        mail["attachments"] = new JsonArray(new JsonObject { ["filename"] = "a.pdf", ["content"] = "JVBERg==" });
        return mail["attachments"]![0]!;
    }

    private static IEnumerable<string> Paths(string answer) =>
        JsonDocument.Parse(answer).RootElement.TryGetProperty("errors", out var errors) ? errors.EnumerateObject().Select(error => error.Name) : [];

    /// <summary>The names in a header block, in order, without a parser that would repair it.</summary>
    private static IEnumerable<string> FieldNames(byte[] message)
    {
        var text = Encoding.Latin1.GetString(message);
        return text[..text.IndexOf("\r\n\r\n", StringComparison.Ordinal)].Split("\r\n").Where(line => !line.StartsWith(' ') && !line.StartsWith('\t'))
            .Select(line => line.Split(':')[0]);
    }
}
