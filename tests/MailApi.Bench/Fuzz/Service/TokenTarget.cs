using System.Text;
using MailApi.Api;
using MailApi.Domains;
using MailApi.Sending;
using MailApi.Suppressions;
using MailApi.Tenants;
using MailApi.Testing.Fuzzing;
using Microsoft.AspNetCore.Http;

namespace MailApi.Bench.Fuzz.Service;

/// <summary>What stands in links, routes and headers: tokens, ids, keys and cursors, one in each line. None but those that were made is taken.</summary>
internal static class TokenTarget
{
    private static readonly EnvelopeId Envelope = EnvelopeId.From(Guid.Parse("0198c0de-0000-7000-8000-000000000001"));
    private static readonly MessageId Message = MessageId.From(Envelope.Value);
    private static readonly UnsubscribeToken Tokens = new(new byte[32]);
    private static readonly FeedbackLoops Loops = new(new byte[32], new ReportAddresses(ByMail: true, Token: null));

    public static readonly byte[][] Seeds = Texts.Octets(
        Tokens.Create(Envelope), Tokens.Mailbox(Envelope), Loops.FeedbackId(Message), Envelope.ToString(), "msg_0198c0de000070008000000000000001", Paging.Encode("msg_0198c0de000070008000000000000001"), Paging.Encode("0198c0de000070008000000000000001 example.net"),
        "mk_live_0000000000000000000000000000000000000000000abcdef", "List-Unsubscribe=One-Click", "action=topics&topic=news&topic=offers", "action=resubscribe");

    public static readonly string[] Words = ["u-", "U-", "=", "==", "_", "-", "%", "%00", "&", "action=", "topic=", "msg_", "env_", "mk_test_", "\n", " ", "\u0130", "\uD83D\uDE00"];

    public static string Try(byte[] input)
    {
        var text = Texts.Of(input);
        var shape = new StringBuilder(Form(input));
        foreach (var line in text.Split('\n').Take(20))
        {
            var isToken = Tokens.TryRead(line, out var linked);
            var isMailbox = Tokens.TryReadMailbox(line, out var addressed);
            var isFeedback = Loops.TryRead(line, out var complained);
            if ((isToken && linked != Envelope) || (isMailbox && addressed != Envelope) || (isFeedback && complained != Message)) throw new InvalidOperationException("A forged token.");
            var isId = PrefixedId.TryParse<MessageId>(line, out var id);
            if (isId && id.ToString() != line) throw new InvalidOperationException($"The id {line} prints otherwise.");
            var isCursor = Paging.TryDecode(line, out var position);
            if (isCursor && (!Paging.TryDecode(Paging.Encode(position), out var again) || again != position)) throw new InvalidOperationException($"The cursor {line} reads otherwise.");
            shape.Append(isToken ? 't' : '-').Append(isMailbox ? 'm' : '-').Append(isFeedback ? 'f' : '-').Append(isId ? 'i' : '-').Append(isCursor ? 'c' : '-').Append(ApiKey.TryParse(line, out _) ? 'k' : '-').Append(' ');
        }
        return shape.ToString();
    }

    private static string Form(byte[] input)
    {
        var request = new DefaultHttpContext().Request;
        (request.ContentType, request.Body) = ("application/x-www-form-urlencoded", new MemoryStream(input));
        var form = UnsubscribeForm.Read(request, CancellationToken.None).GetAwaiter().GetResult();
        return $"{form.Action} {Math.Min(3, form.Topics.Count)} ";
    }
}
