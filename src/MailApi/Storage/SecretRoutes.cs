using System.Text.Json;
using System.Text.Json.Serialization;
using MailApi.Api;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Storage;

/// <summary>Under which keys the secrets in the store are sealed.</summary>
/// <param name="Key">The fingerprint of the present key-encryption key.</param>
/// <param name="UnderPresentKey">Secrets that it seals.</param>
/// <param name="UnderPreviousKeys">Secrets that wait to be sealed anew.</param>
/// <param name="Unreadable">Secrets that no configured key opens: altered, moved, or lost.</param>
/// <param name="Finished">Nothing needs a previous key any more.</param>
public sealed record SecretsState(string Key, int UnderPresentKey, int UnderPreviousKeys, int Unreadable, bool Finished);

public static class SecretRoutes
{
    public static void MapSecrets(this IEndpointRouteBuilder routes) => routes.MapGet("/secrets", Get)
        .RequireScope(Scopes.Operator, needsTenant: false).WithTags("Secrets").WithName("GetSecrets").WithSummary("How far a rotation of the key-encryption key is.")
        .WithDescription("Opens every sealed value and counts. Shows none.");

    private static async Task<Ok<SecretsState>> Get(Vault vault, Resealing resealing, CancellationToken ct)
    {
        var counts = await resealing.Count(ct);
        return TypedResults.Ok(new SecretsState(vault.Fingerprint, counts.UnderPresentKey, counts.UnderPreviousKeys, counts.Unreadable, await resealing.IsFinished(counts, ct)));
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(SecretsState))]
internal sealed partial class SecretJson : JsonSerializerContext;
