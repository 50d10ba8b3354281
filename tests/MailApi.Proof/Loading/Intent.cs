using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace MailApi.Proof.Loading;

/// <summary>A message that somebody means to send. Its number is in the subject and in every recipient's address, which no other message has.</summary>
public sealed record Intent(int Number, Tenant Tenant, string? Key, IReadOnlyList<string> Recipients, bool Hold, string Category, string Text, int Clients)
{
    private const string Letters = "abcdefghijklmnopqrstuvwxyz     ";

    /// <summary>The message of this number: the same for the same seed.</summary>
    public static Intent Make(int seed, int number, LoadOptions options, IReadOnlyList<Tenant> tenants)
    {
        var random = new Random(unchecked((seed * 1_000_003) + number));
        var recipients = Enumerable.Range(0, random.NextDouble() < 0.7 ? 1 : random.Next(1, options.RecipientsMax + 1))
            .Select(index => Recipient(random, options, $"i{number}x{index}")).ToList();
        var keyed = random.NextDouble() < options.KeyedShare;
        var clients = keyed && random.NextDouble() < options.RepeatShare ? random.Next(2, 6) : 1;
        return new Intent(
            number, tenants[random.Next(tenants.Count)], keyed ? $"key-{number}" : null, recipients, random.NextDouble() < options.HoldShare,
            random.NextDouble() < 0.8 ? "notification" : "support", Lines(random, options.LinesMax), clients);
    }

    public string Subject => string.Create(CultureInfo.InvariantCulture, $"Intent {Number}");

    /// <summary>Of the body as it must arrive.</summary>
    public string BodySha256 => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(Text.ReplaceLineEndings("\r\n"))));

    public string ToJson() => new JsonObject
    {
        ["from"] = $"Shop <orders@{Tenant.Domain}>",
        ["to"] = new JsonArray([.. Recipients.Select(address => JsonValue.Create(address))]),
        ["subject"] = Subject,
        ["text"] = Text,
        ["category"] = Category,
        ["onUncertain"] = Hold ? "hold" : "retry",
    }.ToJsonString();

    private static string Recipient(Random random, LoadOptions options, string tag)
    {
        if (random.NextDouble() >= options.OddShare) return $"{tag}@ok{random.Next(Stand.QuietSites)}.test";
        var script = options.Scripts[random.Next(options.Scripts.Count)];
        return script.Insert(script.IndexOf('@', StringComparison.Ordinal), "-" + tag) + $"{random.Next(Stand.SitesOfAKind)}.test";
    }

    private static string Lines(Random random, int most)
    {
        var text = new StringBuilder();
        for (var lines = random.Next(most / 2, most); lines > 0; lines--)
        {
            // Sometimes a dot where SMTP would see its end.
            if (random.Next(8) == 0) text.Append('.');
            for (var letters = random.Next(70); letters > 0; letters--) text.Append(Letters[random.Next(Letters.Length)]);
            text.Append("x\n");
        }
        return text.ToString();
    }
}
