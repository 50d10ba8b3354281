using System.ComponentModel;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MailApi.Api;

/// <summary>
/// Tells the reference which words a text takes: those of an enumeration. The member is a text all the same, so that a wrong word is
/// answered together with every other error and not as bad JSON.
/// </summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal sealed class TextOfAttribute(Type enumeration) : Attribute
{
    public Type Enumeration => enumeration;

    /// <summary>A word that is taken beside the enumeration's.</summary>
    public string? Also { get; init; }

    public IEnumerable<string> Words => Also is null ? Of(enumeration) : Of(enumeration).Append(Also);

    /// <summary>The transmitted forms of an enumeration's members, without those that the outside never sees.</summary>
    public static IEnumerable<string> Of(Type enumeration) =>
        from field in enumeration.GetFields(BindingFlags.Public | BindingFlags.Static)
        where field.GetCustomAttribute<BrowsableAttribute>() is not { Browsable: false }
        select field.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(field.Name);
}
