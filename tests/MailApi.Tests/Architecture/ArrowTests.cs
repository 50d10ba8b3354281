using System.Text.RegularExpressions;
using MailApi.Api;
using MailApi.Mail.Composition;
using Xunit;

namespace MailApi.Tests.Architecture;

/// <summary>Program → Hosting → slices → the low layers → MailApi.Mail: what the folders may know of each other.</summary>
public sealed partial class ArrowTests
{
    private const string Composition = "Hosting";

    /// <summary>What every slice may use.</summary>
    private static readonly string[] LowLayers = ["Api", "Storage", "Events", "Tenants"];

    /// <summary>What a folder may use besides. Those that are not named may use the low layers.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Delivery"] = ["Spool", "Limits", "Suppressions", "Domains", "OAuth"],
        ["Sending"] = ["Spool", "Domains"],
        ["Receiving"] = ["Sending", "Spool", "Suppressions", "Domains", "Reports"],
        ["Reports"] = ["Domains"],
        ["Mailboxes"] = ["Receiving", "Spool", "Domains", "OAuth"],
        ["Diagnosis"] = ["Sending", "Delivery", "Spool", "Suppressions", "Domains"],
    };

    /// <summary>The bottom: folders that may use these alone.</summary>
    private static readonly Dictionary<string, string[]> Bottom = new()
    {
        ["Api"] = [],
        ["Storage"] = ["Api"],
        ["Events"] = ["Api", "Storage"],
    };

    /// <summary>Drivers and transports, by the start of their assembly's name, and who names them besides Hosting.</summary>
    private static readonly (string Assembly, string[] Users)[] Drivers =
    [
        ("Npgsql", []), ("Microsoft.Data.Sqlite", []), ("SQLitePCLRaw", []), ("dbup", []),
        ("MassTransit.RabbitMqTransport", []), ("RabbitMQ.Client", []), ("StackExchange.Redis", ["Limits"]),
    ];

    [Fact]
    public void Slices_use_the_low_layers_and_the_few_others_that_are_listed()
    {
        var forbidden = from use in Uses(typeof(Problem))
                        where use.Used.Assembly == "MailApi" && Slice(use.Used) is var used && Slice(use.User) is var user
                            && used.Length > 0 && used != user && user.Length > 0 && user != Composition && !MayUse(user, used)
                        select $"{use.User} uses {use.Used}";
        Rule.Holds(forbidden);
    }

    [Fact]
    public void Only_Hosting_names_a_driver_or_a_transport()
    {
        var forbidden = from use in Uses(typeof(Problem))
                        from driver in Drivers
                        where use.Used.Assembly.StartsWith(driver.Assembly, StringComparison.OrdinalIgnoreCase)
                            && use.User.Namespace.StartsWith("MailApi", StringComparison.Ordinal)
                            && Slice(use.User) is var user && user != Composition && !driver.Users.Contains(user)
                        select $"{use.User} uses {use.Used} of {use.Used.Assembly}";
        Rule.Holds(forbidden);
    }

    [Fact]
    public void Program_uses_Hosting_and_no_slice()
    {
        var forbidden = from use in Uses(typeof(Problem))
                        where use.User is { Namespace: "", Name: "Program" } && use.Used.Assembly == "MailApi" && Slice(use.Used) is not ("" or Composition)
                        select $"{use.User} uses {use.Used}";
        Rule.Holds(forbidden);
    }

    [Fact]
    public void The_mail_library_knows_MimeKit_MailKit_a_reader_of_HTML_and_the_base_class_library()
    {
        using var code = new CompiledCode(typeof(Draft).Assembly.Location);
        string[] allowed = ["MimeKit", "MailKit", "AngleSharp", "BouncyCastle.Cryptography", "System", "Microsoft.Win32", "netstandard", "mscorlib"];
        Rule.Holds(code.ReferencedAssemblies().Where(name => !allowed.Any(start => name == start || name.StartsWith(start + ".", StringComparison.Ordinal))));
    }

    [Fact]
    public void Types_live_in_the_namespace_that_their_folder_names()
    {
        var misplaced = from source in Repository.Sources
                        let space = NamespaceLine().Match(source.Value)
                        where space.Success
                        let parts = source.Key.Split('/')[1..^1]
                        where space.Groups[1].Value != string.Join('.', parts)
                        select $"{source.Key} declares {space.Groups[1].Value}";
        Rule.Holds(misplaced);
    }

    [Fact]
    public void Uses_are_found_in_bodies_signatures_lambdas_and_async_methods()
    {
        using var code = new CompiledCode(typeof(ArrowTests).Assembly.Location);
        var used = code.Uses().Single(use => use.Key.Name == nameof(UsesEverywhere)).Value.Select(type => type.ToString()).ToHashSet();
        string[] expected =
        [
            "System.Text.StringBuilder", "System.Uri", "System.Guid", "System.Net.IPAddress", "System.Xml.XmlException", "System.Threading.Lock",
            "System.ObsoleteAttribute", "System.Version", "System.IO.FileNotFoundException", "MailApi.Api.TenantId", "MailApi.Api.Problem", "MailApi.Storage.Vault",
        ];
        Assert.Empty(expected.Except(used));
    }

    private static bool MayUse(string user, string used)
    {
        if (Bottom.TryGetValue(user, out var floor)) return floor.Contains(used);
        return LowLayers.Contains(used) || Allowed.GetValueOrDefault(user, []).Contains(used);
    }

    private static List<(TypeName User, TypeName Used)> Uses(Type inAssembly)
    {
        using var code = new CompiledCode(inAssembly.Assembly.Location);
        return [.. code.Uses().SelectMany(use => use.Value, (use, used) => (use.Key, used))];
    }

    /// <summary><c>MailApi.Domains.Records</c> → <c>Domains</c>; nothing for the global namespace and for generated code elsewhere.</summary>
    private static string Slice(TypeName type) => type.Namespace.Split('.') is ["MailApi", var slice, ..] ? slice : "";

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();
}
