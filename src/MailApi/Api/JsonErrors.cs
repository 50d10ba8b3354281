using System.Text.Json;

namespace MailApi.Api;

/// <summary>Says what is wrong with a body in the words of JSON, without the names of our types.</summary>
public static class JsonErrors
{
    public static string Describe(JsonException error)
    {
        var place = error.LineNumber is { } line ? $" (line {line + 1}, octet {error.BytePositionInLine + 1})" : "";
        return $"Not understood at {error.Path ?? "$"}{place}: members are spelled as documented and none stands twice, texts are valid UTF-8, and nothing is deeper than 16 levels.";
    }
}
