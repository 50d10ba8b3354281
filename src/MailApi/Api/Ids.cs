using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MailApi.Api;

/// <summary>An identifier that prints itself: a UUID version 7 (RFC 9562) behind a prefix, <c>msg_0198c0de…</c>.</summary>
public interface IPrefixedId<TSelf> where TSelf : struct, IPrefixedId<TSelf>
{
    static abstract string Prefix { get; }
    static abstract TSelf From(Guid value);
    Guid Value { get; }
}

[JsonConverter(typeof(PrefixedIdConverter<TenantId>))]
public readonly record struct TenantId(Guid Value) : IPrefixedId<TenantId>
{
    public static string Prefix => "ten_";
    public static TenantId From(Guid value) => new(value);
    public override string ToString() => PrefixedId.Format(this);
}

[JsonConverter(typeof(PrefixedIdConverter<KeyId>))]
public readonly record struct KeyId(Guid Value) : IPrefixedId<KeyId>
{
    public static string Prefix => "key_";
    public static KeyId From(Guid value) => new(value);
    public override string ToString() => PrefixedId.Format(this);
}

[JsonConverter(typeof(PrefixedIdConverter<DomainId>))]
public readonly record struct DomainId(Guid Value) : IPrefixedId<DomainId>
{
    public static string Prefix => "dom_";
    public static DomainId From(Guid value) => new(value);
    public override string ToString() => PrefixedId.Format(this);
}

[JsonConverter(typeof(PrefixedIdConverter<MessageId>))]
public readonly record struct MessageId(Guid Value) : IPrefixedId<MessageId>
{
    public static string Prefix => "msg_";
    public static MessageId From(Guid value) => new(value);
    public override string ToString() => PrefixedId.Format(this);
}

[JsonConverter(typeof(PrefixedIdConverter<EnvelopeId>))]
public readonly record struct EnvelopeId(Guid Value) : IPrefixedId<EnvelopeId>
{
    public static string Prefix => "env_";
    public static EnvelopeId From(Guid value) => new(value);
    public override string ToString() => PrefixedId.Format(this);
}

[JsonConverter(typeof(PrefixedIdConverter<EventId>))]
public readonly record struct EventId(Guid Value) : IPrefixedId<EventId>
{
    public static string Prefix => "evt_";
    public static EventId From(Guid value) => new(value);
    public override string ToString() => PrefixedId.Format(this);
}

[JsonConverter(typeof(PrefixedIdConverter<WebhookId>))]
public readonly record struct WebhookId(Guid Value) : IPrefixedId<WebhookId>
{
    public static string Prefix => "whk_";
    public static WebhookId From(Guid value) => new(value);
    public override string ToString() => PrefixedId.Format(this);
}

[JsonConverter(typeof(PrefixedIdConverter<SuppressionId>))]
public readonly record struct SuppressionId(Guid Value) : IPrefixedId<SuppressionId>
{
    public static string Prefix => "sup_";
    public static SuppressionId From(Guid value) => new(value);
    public override string ToString() => PrefixedId.Format(this);
}

public static class PrefixedId
{
    internal const int HexDigits = 32;
    internal static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    private static long last;

    /// <summary>A new id, greater than every one that this process made before: in lists, id order is the order of making.</summary>
    public static TId New<TId>() where TId : struct, IPrefixedId<TId> => TId.From(NewGuid());

    /// <summary>
    /// A UUID version 7 whose twelve bits after the millisecond are a counter (RFC 9562 §6.2, method 1); a counter that overflows borrows
    /// from the next millisecond.
    /// </summary>
    public static Guid NewGuid()
    {
        Span<byte> octets = stackalloc byte[16];
        Guid.CreateVersion7().TryWriteBytes(octets, bigEndian: true, out _);
        var now = (BinaryPrimitives.ReadInt64BigEndian(octets) >> 16) << 12;
        long before, next;
        do
        {
            before = Volatile.Read(ref last);
            next = Math.Max(now, before + 1);
        }
        while (Interlocked.CompareExchange(ref last, next, before) != before);
        BinaryPrimitives.WriteInt64BigEndian(octets, ((next >> 12) << 16) | 0x7000 | (next & 0xFFF));
        return new Guid(octets, bigEndian: true);
    }

    /// <summary>The least UUID of version 7 that could be made so long after an instant (RFC 9562 §5.7).</summary>
    public static Guid FirstAt(DateTimeOffset instant, TimeSpan later)
    {
        var milliseconds = Math.Clamp(instant.ToUnixTimeMilliseconds() + (long)later.TotalMilliseconds, 0, (1L << 48) - 1);
        return new Guid((int)(milliseconds >> 16), (short)milliseconds, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    public static string Format<TId>(TId id) where TId : struct, IPrefixedId<TId> => TId.Prefix + id.Value.ToString("N");

    /// <summary>Reads exactly what <see cref="Format{TId}"/> prints; anything else names nothing.</summary>
    public static bool TryParse<TId>([NotNullWhen(true)] string? text, out TId id) where TId : struct, IPrefixedId<TId>
    {
        id = default;
        if (text is null || text.Length != TId.Prefix.Length + HexDigits || !text.StartsWith(TId.Prefix, StringComparison.Ordinal)) return false;
        var digits = text.AsSpan(TId.Prefix.Length);
        if (digits.ContainsAnyExcept(LowerHex) || !Guid.TryParseExact(digits, "N", out var value)) return false;
        id = TId.From(value);
        return true;
    }
}

/// <summary>Ids travel as their printed form; a malformed one is bad JSON.</summary>
public sealed class PrefixedIdConverter<TId> : JsonConverter<TId> where TId : struct, IPrefixedId<TId>
{
    public override TId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && PrefixedId.TryParse<TId>(reader.GetString(), out var id)
            ? id
            : throw new JsonException($"An id of the form {TId.Prefix}… is expected.");

    public override void Write(Utf8JsonWriter writer, TId value, JsonSerializerOptions options) => writer.WriteStringValue(PrefixedId.Format(value));
}

/// <summary><c>{id:id(msg_)}</c> in a route: a malformed id is an unknown one, 404, not a 400.</summary>
public sealed class IdRouteConstraint(string prefix) : IRouteConstraint
{
    public const string Name = "id";

    public string Prefix => prefix;

    public bool Match(HttpContext? httpContext, IRouter? route, string routeKey, RouteValueDictionary values, RouteDirection routeDirection) =>
        values.TryGetValue(routeKey, out var value) && value is string text && text.Length == prefix.Length + PrefixedId.HexDigits
        && text.StartsWith(prefix, StringComparison.Ordinal) && !text.AsSpan(prefix.Length).ContainsAnyExcept(PrefixedId.LowerHex);
}
