using System.Text;
using MailApi.Mail.Preflight;
using MailApi.Testing;
using Xunit;

namespace MailApi.Integration.Tests.Preflight;

/// <summary>Debian's spamd, started once.</summary>
public sealed class SpamdFixture : IAsyncLifetime
{
    public SpamdServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await SpamdServer.StartAsync(CancellationToken.None);

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}

public sealed class SpamdTests(SpamdFixture spamd) : IClassFixture<SpamdFixture>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private Spamd Client(TimeSpan? patience = null) =>
        new(new SpamdOptions { EndPoint = spamd.Server.EndPoint, Patience = patience ?? TimeSpan.FromSeconds(30) }, TimeProvider.System);

    [Fact]
    public async Task An_order_is_no_spam()
    {
        var order = await File.ReadAllBytesAsync(Path.Combine(Repository.Root, "tests/MailApi.Mail.Tests/testdata/preflight/01-order-in-english.eml"), Ct);

        var scored = Assert.IsType<SpamdAnswer.Scored>(await Client().Check(order, Ct));

        Assert.True(scored.Score < 1, scored.Report);
        Assert.Equal(5, scored.Threshold);
        Assert.Contains(scored.Rules, rule => rule.Name == "HTML_MESSAGE" && rule.Description.Contains("HTML", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_test_string_is_spam()
    {
        // GTUBE, which every rule set of SpamAssassin gives 1,000 points; put together here, so that no scanner takes this file for spam.
        var gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL" + "*C.34X";
        var scored = Assert.IsType<SpamdAnswer.Scored>(await Client().Check(Message(gtube), Ct));

        Assert.True(scored.Score >= 1000, scored.Report);
        Assert.Contains(scored.Rules, rule => rule.Name == "GTUBE" && rule.Points >= 1000);
    }

    [Fact]
    public async Task The_points_of_the_rules_add_up_to_the_score()
    {
        var scored = Assert.IsType<SpamdAnswer.Scored>(await Client().Check(
            Message("DEAR FRIEND, CLICK HERE TO CLAIM YOUR MILLION DOLLARS: http://198.51.100.7/"), Ct));

        Assert.NotEmpty(scored.Rules);
        // Each is printed with one decimal.
        Assert.InRange(scored.Rules.Sum(rule => rule.Points) - scored.Score, -0.05 * (scored.Rules.Count + 1), 0.05 * (scored.Rules.Count + 1));
    }

    [Fact]
    public async Task A_frozen_spamd_costs_no_more_than_the_deadline()
    {
        spamd.Server.Process.Freeze();
        try
        {
            var answer = await Client(TimeSpan.FromMilliseconds(300)).Check(Message("hello"), Ct).WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System, Ct);
            Assert.IsType<SpamdAnswer.Unavailable>(answer);
        }
        finally
        {
            spamd.Server.Process.Thaw();
        }
        Assert.IsType<SpamdAnswer.Scored>(await Client().Check(Message("hello again"), Ct));
    }

    private static byte[] Message(string text) =>
        Encoding.ASCII.GetBytes($"From: Shop <orders@shop.example>\r\nTo: ann@example.net\r\nSubject: Your order\r\nMessage-ID: <1@shop.example>\r\n\r\n{text}\r\n");
}
