using System.Buffers;
using System.Text;
using MailApi.Api;
using Microsoft.AspNetCore.WebUtilities;

namespace MailApi.Suppressions;

/// <summary>What a POST to an unsubscribe link asks for.</summary>
internal enum UnsubscribeAction
{
    /// <summary>Whatever says nothing else: a mail program's one-click, or the page's first button.</summary>
    Unsubscribe,
    Resubscribe,
    Topics,
}

/// <summary>The body of such a POST.</summary>
internal sealed record UnsubscribeForm(UnsubscribeAction Action, IReadOnlySet<string> Topics)
{
    /// <summary>Of the page's own forms, with every topic ticked.</summary>
    public const int OctetsMax = 16 * 1024;

    private static readonly UnsubscribeForm OneClick = new(UnsubscribeAction.Unsubscribe, new HashSet<string>());

    /// <summary>
    /// Only the page's own forms say anything else than "unsubscribe", so what is not one of them is that: one-clicks also come as <c>multipart/form-data</c>
    /// (RFC 8058 §3.2) or with bodies of their sender's own, and none of them may fail.
    /// </summary>
    public static async Task<UnsubscribeForm> Read(HttpRequest request, CancellationToken ct)
    {
        if (request.ContentType?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) != true) return OneClick;
        if (await ReadText(request.Body, ct) is not { } text) return OneClick;
        var fields = QueryHelpers.ParseQuery(text);
        if (!EnumText.TryParse<UnsubscribeAction>(fields.GetValueOrDefault(UnsubscribePage.ActionField), out var action)) return OneClick;
        return new UnsubscribeForm(action, fields.GetValueOrDefault(UnsubscribePage.TopicField).OfType<string>().ToHashSet());
    }

    /// <summary>Null when there is more than <see cref="OctetsMax"/>.</summary>
    private static async Task<string?> ReadText(Stream body, CancellationToken ct)
    {
        var block = ArrayPool<byte>.Shared.Rent(OctetsMax + 1);
        try
        {
            var read = await body.ReadAtLeastAsync(block.AsMemory(0, OctetsMax + 1), OctetsMax + 1, throwOnEndOfStream: false, ct);
            return read > OctetsMax ? null : Encoding.UTF8.GetString(block, 0, read);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
