using System.Text.Json.Serialization;
using MailApi.Api;

namespace MailApi.Delivery.Relays;

[JsonConverter(typeof(PrefixedIdConverter<RelayId>))]
public readonly record struct RelayId(Guid Value) : IPrefixedId<RelayId>
{
    public static string Prefix => "rly_";
    public static RelayId From(Guid value) => new(value);
    public override string ToString() => PrefixedId.Format(this);
}
