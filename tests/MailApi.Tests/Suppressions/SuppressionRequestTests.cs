using MailApi.Suppressions;
using Xunit;

namespace MailApi.Tests.Suppressions;

public sealed class SuppressionRequestTests
{
    [Theory]
    [InlineData("ann@example.net", null, null, "")]
    [InlineData("ann@example.net", "marketing", "unsubscribe", "")]
    [InlineData("ann@example.net", "support", "hardBounce", "")]
    [InlineData(null, "Marketing", "hardbounce", "address category reason")]
    [InlineData("Ann <ann@example.net>", null, null, "address")]
    [InlineData("ann@example.net\r\nX: y", null, "", "address reason")]
    [InlineData("ann@example.net", null, "topicPreference", "reason")]
    public void A_request_names_all_that_is_wrong_with_it(string? address, string? category, string? reason, string paths)
    {
        var request = new SuppressionRequest { Address = address, Category = category, Reason = reason };

        Assert.Equal(paths, string.Join(' ', new SuppressionRequestValidator(TimeProvider.System).Validate(request).ToDictionary().Keys));
    }
}
