using System.Collections.Concurrent;
using System.Data.Common;

namespace MailApi.Delivery.Relays;

/// <summary>What is said to a relay in a password's place.</summary>
/// <param name="Token">The access token; null when there is none.</param>
/// <param name="Refusal">Why there is none, and what to do.</param>
/// <param name="AskedAt">When it was asked for, on this process's monotonic clock.</param>
/// <param name="Use">How long from then on it is used; it lives a little longer.</param>
internal sealed record RelayToken(string? Token, string? Refusal, long AskedAt, TimeSpan Use)
{
    public override string ToString() => Refusal ?? "granted";
}

/// <summary>
/// The access tokens of relays, kept in memory until shortly before they expire. However many deliveries want one, a relay's provider is asked once
/// at a time. A refresh token that the provider replaces is stored before the new access token is used.
/// </summary>
internal sealed partial class OAuthTokens(RelayStore store, TokenEndpoint endpoint, TimeProvider time, ILogger<OAuthTokens> log)
{
    /// <summary>RFC 6749 §5.1 leaves the lifetime out where it is documented elsewhere; most give an hour.</summary>
    private static readonly TimeSpan UsualLifetime = TimeSpan.FromMinutes(5);

    /// <summary>Before its end a token is renewed: a login takes a while. At most half of the lifetime.</summary>
    private static readonly TimeSpan Early = TimeSpan.FromSeconds(60);

    /// <summary>All relays with OAuth of a large service; beyond it all are asked for anew.</summary>
    private const int EntriesMax = 10_000;

    private readonly ConcurrentDictionary<RelayId, Entry> entries = new();

    /// <summary>Rotated refresh tokens that the store was away for: the only copies.</summary>
    private readonly ConcurrentDictionary<RelayId, (DateTimeOffset Version, string Token)> unsaved = new();

    public async Task<RelayToken> Get(Relay relay, CancellationToken ct)
    {
        if (entries.Count >= EntriesMax) entries.Clear();
        var entry = entries.AddOrUpdate(relay.Id, _ => Start(relay), (_, old) => old.Version != relay.ChangedAt || IsOver(old) ? Start(relay) : old);
        try
        {
            // The request is shared: one caller's cancellation only ends that caller's wait.
            return entry.Answer = await entry.Asked.Value.WaitAsync(ct);
        }
        catch when (entry.Asked.Value.IsFaulted)
        {
            // The store was away.
            entries.TryRemove(KeyValuePair.Create(relay.Id, entry));
            throw;
        }
    }

    /// <summary>The relay did not take it: the next caller asks for another.</summary>
    public void Forget(Relay relay, string token)
    {
        if (entries.TryGetValue(relay.Id, out var entry) && entry.Answer?.Token == token) entries.TryRemove(KeyValuePair.Create(relay.Id, entry));
    }

    private Entry Start(Relay relay) => new(relay.ChangedAt, new Lazy<Task<RelayToken>>(() => Ask(relay)));

    /// <summary>What was refused is asked for again: who asks rests the relay meanwhile.</summary>
    private bool IsOver(Entry entry) => entry.Answer is { } answer && (answer.Token is null || time.GetElapsedTime(answer.AskedAt) >= answer.Use);

    private async Task<RelayToken> Ask(Relay relay)
    {
        var askedAt = time.GetTimestamp();
        var answer = relay.OAuth!.Grant == OAuthGrant.ClientCredentials
            ? await endpoint.Ask(relay.OAuth, refreshToken: null, CancellationToken.None)
            : await AskWithRefreshToken(relay);
        if (answer is not TokenAnswer.Granted granted) return new RelayToken(null, ((TokenAnswer.Refused)answer).Reason, askedAt, TimeSpan.Zero);
        var lifetime = granted.Lifetime ?? UsualLifetime;
        return new RelayToken(granted.AccessToken, null, askedAt, lifetime - (Early < lifetime / 2 ? Early : lifetime / 2));
    }

    private async Task<TokenAnswer> AskWithRefreshToken(Relay relay)
    {
        var used = await Latest(relay);
        if (used is null) return new TokenAnswer.Refused(null, "The relay has no refresh token: authorise and change its oauth.refreshToken.");
        var answer = await endpoint.Ask(relay.OAuth!, used, CancellationToken.None);
        // Another node may have been given a new one in this moment, with which this one ended.
        if (answer is TokenAnswer.Refused { Error: "invalid_grant" } && await Latest(relay) is { } newer && newer != used)
            answer = await endpoint.Ask(relay.OAuth!, used = newer, CancellationToken.None);
        if (answer is TokenAnswer.Granted { RefreshToken: { Length: > 0 } rotated } && rotated != used) await Save(relay, rotated);
        return answer;
    }

    private async Task<string?> Latest(Relay relay)
    {
        if (!unsaved.TryGetValue(relay.Id, out var kept) || kept.Version != relay.ChangedAt) return await store.RefreshToken(relay.Id, CancellationToken.None);
        await Save(relay, kept.Token);
        return kept.Token;
    }

    private async Task Save(Relay relay, string refreshToken)
    {
        unsaved[relay.Id] = (relay.ChangedAt, refreshToken);
        try
        {
            await store.Rotate(relay, refreshToken, CancellationToken.None);
            unsaved.TryRemove(relay.Id, out _);
        }
        catch (DbException e)
        {
            LogUnsaved(relay.Id, e.Message);
        }
    }

    private sealed class Entry(DateTimeOffset version, Lazy<Task<RelayToken>> asked)
    {
        private volatile RelayToken? answer;

        public DateTimeOffset Version => version;
        public Lazy<Task<RelayToken>> Asked => asked;

        /// <summary>Null until someone has seen it.</summary>
        public RelayToken? Answer
        {
            get => answer;
            set => answer = value;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The new refresh token of {Relay} is not stored yet, and would be lost with this process: {Error}")]
    private partial void LogUnsaved(RelayId relay, string error);
}
