using System.Text.Json.Serialization;
using MailApi.Api;

namespace MailApi.Sandbox;

[JsonConverter(typeof(PrefixedIdConverter<SandboxMessageId>))]
public readonly record struct SandboxMessageId(Guid Value) : IPrefixedId<SandboxMessageId>
{
    public static string Prefix => "sbx_";
    public static SandboxMessageId From(Guid value) => new(value);
    public override string ToString() => PrefixedId.Format(this);
}
