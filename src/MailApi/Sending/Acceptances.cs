using System.Security.Cryptography;
using System.Text.Json;
using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Composition;
using MailApi.Spool;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Sending;

/// <summary>How long mail of a category is tried.</summary>
public delegate TimeSpan Lifetimes(Category category);

/// <summary>A message as one of the ways in has made it, before its caller and domain are put to it.</summary>
internal sealed record NewMessage
{
    public required MessageId Id { get; init; }
    public required Category Category { get; init; }

    /// <summary>The From mailbox.</summary>
    public required string Sender { get; init; }
    public required string Subject { get; init; }
    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>What it is about, among the tenant's topics; null where it says nothing.</summary>
    public string? Topic { get; init; }
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }
    public required OnUncertain OnUncertain { get; init; }
    public required bool RequireTls { get; init; }

    /// <summary>The octets to be signed.</summary>
    public required byte[] Content { get; init; }
    public required IReadOnlyList<AcceptedEnvelope> Envelopes { get; init; }
    public required DateTimeOffset? SendAt { get; init; }
    public required IdempotencyKey? Idempotency { get; init; }
}

/// <summary>The last step of every way in: the commit, whose answer is remembered under the caller's key.</summary>
internal sealed class Acceptances(Acceptor acceptor, Lifetimes lifetimes)
{
    public static ProblemHttpResult BadIdempotencyKey => Problem.BadRequest.With($"Idempotency-Key must be one text of 1 to {SendLimits.IdempotencyKeyCharsMax} characters.");

    /// <summary>The caller's key with what it stands for; null when it cannot be one. Live and test keys have keys of their own: what was rehearsed can be sent.</summary>
    public static IdempotencyKey? Idempotency(string key, Caller caller, IEnumerable<ReadOnlyMemory<byte>> octets)
    {
        if (key.Length is 0 or > SendLimits.IdempotencyKeyCharsMax || HeaderRules.ValueError(key) is not null) return null;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(caller.IsTest ? "test"u8 : "live"u8);
        foreach (var part in octets) hash.AppendData(part.Span);
        // No caller's key begins with a control character.
        return new IdempotencyKey(caller.IsTest ? "\u0001" + key : key, hash.GetHashAndReset());
    }

    /// <summary>Commits; without a problem the message is on disk, and the answer is that of the first acceptance under its key.</summary>
    /// <exception cref="System.Data.Common.DbException">The store is away: nothing is known to be accepted.</exception>
    public async Task<(string Answer, MessageId Id, ProblemHttpResult? Problem)> Accept(Caller caller, SendingDomain domain, NewMessage message)
    {
        var response = new SendResponse(message.Id, [.. message.Envelopes.Select(envelope => new SendRecipient(envelope.Id, envelope.Recipient, EnvelopeState.Queued))]);
        var answer = JsonSerializer.Serialize(response, SendJson.Default.SendResponse);
        var result = await acceptor.Accept(Acceptance(caller, domain, message, answer));
        return result is AcceptResult.Committed ? (answer, message.Id, null) : Told(result);
    }

    /// <summary>What the caller's key got already, whatever became since of what the message needs; null where there is nothing.</summary>
    public async Task<(string Answer, MessageId Id, ProblemHttpResult? Problem)?> Earlier(Caller caller, IdempotencyKey? key, CancellationToken ct) =>
        key is not null && await acceptor.Find(caller.Tenant, key, ct) is { } result ? Told(result) : null;

    private static (string Answer, MessageId Id, ProblemHttpResult? Problem) Told(AcceptResult result) => result switch
    {
        AcceptResult.Replayed replayed => (replayed.Response, JsonSerializer.Deserialize(replayed.Response, SendJson.Default.SendResponse)!.Id, null),
        AcceptResult.KeyReused => ("", default, Problem.IdempotencyReused.With("Use a new key for a new message, or send the same body again.")),
        _ => ("", default, Problem.Busy.With("Too much waits to be committed. Try again in a second.")),
    };

    private Acceptance Acceptance(Caller caller, SendingDomain domain, NewMessage message, string answer) => new()
    {
        Id = message.Id,
        Tenant = caller.Tenant,
        DomainId = domain.Id,
        Domain = domain.Name,
        Category = message.Category,
        Test = caller.IsTest,
        Sender = message.Sender,
        Subject = message.Subject,
        Tags = message.Tags,
        Topic = message.Topic,
        Metadata = message.Metadata,
        OnUncertain = message.OnUncertain,
        RequireTls = message.RequireTls,
        Content = message.Content,
        Envelopes = message.Envelopes,
        SendAt = message.SendAt,
        Lifetime = lifetimes(message.Category),
        Idempotency = message.Idempotency,
        Response = answer,
    };
}
