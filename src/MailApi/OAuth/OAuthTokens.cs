using System.Collections.Concurrent;
using System.Data.Common;

namespace MailApi.OAuth;

/// <summary>What is said to a server in a password's place.</summary>
/// <param name="Token">The access token; null when there is none.</param>
/// <param name="Refusal">Why there is none, and what to do.</param>
/// <param name="AskedAt">When it was asked for, on this process's monotonic clock.</param>
/// <param name="Use">How long from then on it is used; it lives a little longer.</param>
internal sealed record AccessToken(string? Token, string? Refusal, long AskedAt, TimeSpan Use)
{
    public override string ToString() => Refusal ?? "granted";
}

/// <summary>Whoever logs in with access tokens: a relay, or a mailbox.</summary>
internal interface IOAuthLogin
{
    /// <summary>What it is known by, among those of its kind.</summary>
    Guid Key { get; }

    /// <summary>The same, printed.</summary>
    string Name { get; }

    /// <summary>When its settings changed last; a token is of this version.</summary>
    DateTimeOffset ChangedAt { get; }

    /// <summary>Null where it logs in with a password.</summary>
    OAuthClient? OAuth { get; }
}

/// <summary>Where the refresh tokens of one kind of login are kept.</summary>
internal interface IRefreshTokens<in TLogin> where TLogin : IOAuthLogin
{
    /// <summary>As it is now: another node may have been given a new one. Null when there is none.</summary>
    Task<string?> RefreshToken(TLogin login, CancellationToken ct);

    /// <summary>Stores one that the provider gave in place of the one before (RFC 6749 §6), unless the login's settings changed meanwhile.</summary>
    Task Rotate(TLogin login, string refreshToken, CancellationToken ct);
}

/// <summary>
/// Access tokens, kept in memory until shortly before they expire. However many want one, a login's provider is asked once at a time. A refresh token
/// that the provider replaces is stored before the new access token is used.
/// </summary>
internal sealed partial class OAuthTokens<TLogin>(IRefreshTokens<TLogin> store, TokenEndpoint endpoint, TimeProvider time, ILogger<OAuthTokens<TLogin>> log) where TLogin : IOAuthLogin
{
    /// <summary>RFC 6749 §5.1 leaves the lifetime out where it is documented elsewhere; most give an hour.</summary>
    private static readonly TimeSpan UsualLifetime = TimeSpan.FromMinutes(5);

    /// <summary>Before its end a token is renewed: a login takes a while. At most half of the lifetime.</summary>
    private static readonly TimeSpan Early = TimeSpan.FromSeconds(60);

    /// <summary>All that log in so at a large service; beyond it all are asked for anew.</summary>
    private const int EntriesMax = 10_000;

    private readonly ConcurrentDictionary<Guid, Entry> entries = new();

    /// <summary>Rotated refresh tokens that the store was away for: the only copies.</summary>
    private readonly ConcurrentDictionary<Guid, (DateTimeOffset Version, string Token)> unsaved = new();

    public async Task<AccessToken> Get(TLogin login, CancellationToken ct)
    {
        if (entries.Count >= EntriesMax) entries.Clear();
        var entry = entries.AddOrUpdate(login.Key, _ => Start(login), (_, old) => old.Version != login.ChangedAt || IsOver(old) ? Start(login) : old);
        try
        {
            // The request is shared: one caller's cancellation only ends that caller's wait.
            return entry.Answer = await entry.Asked.Value.WaitAsync(ct);
        }
        catch when (entry.Asked.Value.IsFaulted)
        {
            // The store was away.
            entries.TryRemove(KeyValuePair.Create(login.Key, entry));
            throw;
        }
    }

    /// <summary>The server did not take it: the next caller asks for another.</summary>
    public void Forget(TLogin login, string token)
    {
        if (entries.TryGetValue(login.Key, out var entry) && entry.Answer?.Token == token) entries.TryRemove(KeyValuePair.Create(login.Key, entry));
    }

    private Entry Start(TLogin login) => new(login.ChangedAt, new Lazy<Task<AccessToken>>(() => Ask(login)));

    /// <summary>What was refused is asked for again: who asks lets some time pass.</summary>
    private bool IsOver(Entry entry) => entry.Answer is { } answer && (answer.Token is null || time.GetElapsedTime(answer.AskedAt) >= answer.Use);

    private async Task<AccessToken> Ask(TLogin login)
    {
        var askedAt = time.GetTimestamp();
        var answer = login.OAuth!.Grant == OAuthGrant.ClientCredentials
            ? await endpoint.Ask(login.OAuth, refreshToken: null, CancellationToken.None)
            : await AskWithRefreshToken(login);
        if (answer is not TokenAnswer.Granted granted) return new AccessToken(null, ((TokenAnswer.Refused)answer).Reason, askedAt, TimeSpan.Zero);
        var lifetime = granted.Lifetime ?? UsualLifetime;
        return new AccessToken(granted.AccessToken, null, askedAt, lifetime - (Early < lifetime / 2 ? Early : lifetime / 2));
    }

    private async Task<TokenAnswer> AskWithRefreshToken(TLogin login)
    {
        var used = await Latest(login);
        if (used is null) return new TokenAnswer.Refused(null, "There is no refresh token: authorise and change oauth.refreshToken.");
        var answer = await endpoint.Ask(login.OAuth!, used, CancellationToken.None);
        // Another node may have been given a new one in this moment, with which this one ended.
        if (answer is TokenAnswer.Refused { Error: "invalid_grant" } && await Latest(login) is { } newer && newer != used)
            answer = await endpoint.Ask(login.OAuth!, used = newer, CancellationToken.None);
        if (answer is TokenAnswer.Granted { RefreshToken: { Length: > 0 } rotated } && rotated != used) await Save(login, rotated);
        return answer;
    }

    private async Task<string?> Latest(TLogin login)
    {
        if (!unsaved.TryGetValue(login.Key, out var kept) || kept.Version != login.ChangedAt) return await store.RefreshToken(login, CancellationToken.None);
        await Save(login, kept.Token);
        return kept.Token;
    }

    private async Task Save(TLogin login, string refreshToken)
    {
        unsaved[login.Key] = (login.ChangedAt, refreshToken);
        try
        {
            await store.Rotate(login, refreshToken, CancellationToken.None);
            unsaved.TryRemove(login.Key, out _);
        }
        catch (DbException e)
        {
            LogUnsaved(login.Name, e.Message);
        }
    }

    private sealed class Entry(DateTimeOffset version, Lazy<Task<AccessToken>> asked)
    {
        private volatile AccessToken? answer;

        public DateTimeOffset Version => version;
        public Lazy<Task<AccessToken>> Asked => asked;

        /// <summary>Null until someone has seen it.</summary>
        public AccessToken? Answer
        {
            get => answer;
            set => answer = value;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The new refresh token of {Login} is not stored yet, and would be lost with this process: {Error}")]
    private partial void LogUnsaved(string login, string error);
}
