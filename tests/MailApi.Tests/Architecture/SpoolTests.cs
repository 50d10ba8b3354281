using System.Text.RegularExpressions;
using Xunit;

namespace MailApi.Tests.Architecture;

/// <summary>Messages and envelopes change in one place, so that the fence and the states can be checked by reading one folder.</summary>
public sealed partial class SpoolTests
{
    private const string Owner = "src/MailApi/Spool/";

    /// <summary>Reading joins outside the spool, and why.</summary>
    private static readonly (string Path, string Table)[] Readers =
    [
        // An event is shown with its message's tags and metadata.
        ("src/MailApi/Events/", "messages"),
        ("src/MailApi/Webhooks/", "messages"),
        // A domain is not removed while mail waits to leave from it.
        ("src/MailApi/Domains/DomainRegistry.cs", "envelopes"),
        // An unsubscribe link names the envelope that it was in.
        ("src/MailApi/Suppressions/UnsubscribeLinks.cs", "envelopes"),
        // Refusals from before a delivery do not count against a mailbox.
        ("src/MailApi/Suppressions/Bounces.cs", "envelopes"),
        // The sandbox is asked about an envelope by the tag of its return path.
        ("src/MailApi/Sandbox/", "envelopes"),
    ];

    [Fact]
    public void Only_the_spool_writes_messages_and_envelopes()
    {
        var writes = from source in Repository.Sources
                     where !source.Key.StartsWith(Owner, StringComparison.Ordinal)
                     from Match match in Write().Matches(WithoutComments(source.Value))
                     select $"{source.Key}: {match.Value}";
        Rule.Holds(writes);
    }

    [Fact]
    public void Only_the_spool_and_the_listed_joins_read_messages_and_envelopes()
    {
        var reads = from source in Repository.Sources
                    where !source.Key.StartsWith(Owner, StringComparison.Ordinal)
                    from Match match in Read().Matches(WithoutComments(source.Value))
                    where !Readers.Any(reader => source.Key.StartsWith(reader.Path, StringComparison.Ordinal) && match.Groups["table"].Value == reader.Table)
                    select $"{source.Key}: {match.Value}";
        Rule.Holds(reads);
    }

    [Theory]
    [InlineData("update envelopes set state = 'queued'")]
    [InlineData("INSERT INTO messages (id)")]
    [InlineData("delete\n        from message_tags")]
    [InlineData("insert or ignore into envelopes (id)")]
    [InlineData("update only messages set x = 1")]
    public void A_write_is_recognised(string sql) => Assert.Matches(Write(), sql);

    [Theory]
    [InlineData("select 1 from envelopes e")]
    [InlineData("left join\n  messages m on true")]
    [InlineData("from events e, messages m")]
    public void A_read_is_recognised(string sql) => Assert.Matches(Read(), sql);

    private static string WithoutComments(string source) => string.Join('\n', source.Split('\n').Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal)));

    [GeneratedRegex(@"\b(insert\s+(or\s+\w+\s+)?into|update(\s+only)?|delete\s+from|merge\s+into|truncate(\s+table)?)\s+(only\s+)?(public\.)?""?(messages|envelopes|message_tags)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Write();

    [GeneratedRegex(@"(\b(from|join)|\bfrom\s+[\w\s]+,)\s+(public\.)?""?(?<table>messages|envelopes|message_tags)\b(?!\w)", RegexOptions.IgnoreCase)]
    private static partial Regex Read();
}
