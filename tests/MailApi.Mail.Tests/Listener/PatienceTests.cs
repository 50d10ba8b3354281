using MailApi.Mail.Smtp.Listener;
using Xunit;

namespace MailApi.Mail.Tests.Listener;

public sealed class PatienceTests
{
    private static readonly TimeSpan AlmostIdle = TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData("")]
    [InlineData("NOO")]
    [InlineData("DATA\r\n")]
    [InlineData("BDAT 10\r\ntext")]
    public async Task A_silent_client_is_dismissed_after_five_minutes(string last)
    {
        await using var client = await Client.InTransaction();
        client.Write(last);
        if (last == "DATA\r\n") await client.Expect("354 ");
        client.Time.Advance(AlmostIdle);
        Assert.False(client.Session.IsCompleted);
        client.Time.Advance(TimeSpan.FromSeconds(1));
        await client.Expect("421 4.4.2");
        await client.ExpectEnd();
    }

    [Fact]
    public async Task Each_command_has_its_own_five_minutes()
    {
        await using var client = await Client.Ready();
        for (var count = 0; count < 3; count++)
        {
            client.Time.Advance(AlmostIdle);
            await client.Ask("NOOP", "250 2.0.0");
        }
    }

    [Fact]
    public async Task A_command_that_trickles_in_has_no_more_than_five_minutes()
    {
        await using var client = await Client.Ready();
        for (var minute = 0; minute < 5; minute++)
        {
            client.Write("N");
            client.Time.Advance(TimeSpan.FromMinutes(1));
        }
        await client.Expect("421 4.4.2");
        await client.ExpectEnd();
    }

    [Fact]
    public async Task A_session_ends_within_an_hour_however_busy_the_client_is()
    {
        await using var client = await Client.InTransaction();
        await client.Ask("DATA", "354 ");
        for (var minute = 0; minute < 59; minute++)
        {
            client.Write("text\r\n");
            client.Time.Advance(TimeSpan.FromMinutes(1));
        }
        Assert.False(client.Session.IsCompleted);
        client.Time.Advance(TimeSpan.FromMinutes(1));
        await client.Expect("421 4.4.2");
        await client.ExpectEnd();
        Assert.Empty(client.Delivered);
    }

    [Fact]
    public async Task A_client_that_never_reads_is_dismissed()
    {
        await using var client = Client.Connect(unreadRepliesMax: 100);
        client.Write("EHLO client.test\r\n");
        Assert.False(client.Session.IsCompleted);
        client.Time.Advance(TimeSpan.FromMinutes(5));
        client.Time.Advance(TimeSpan.FromMinutes(5));
        await client.Session;
    }

    [Theory]
    [InlineData("")]
    [InlineData("DATA\r\ntext")]
    public async Task A_server_that_stops_says_so(string last)
    {
        await using var client = await Client.InTransaction();
        foreach (var part in last.Split('\n')) client.Write(part.EndsWith('\r') ? part + "\n" : part);
        if (last.Length > 0) await client.Expect("354 ");
        client.StopServer();
        await client.Expect("421 4.3.2");
        await client.ExpectEnd();
    }

    [Fact]
    public void The_defaults_are_those_of_the_standard_or_wider()
    {
        var limits = new ReceptionLimits();
        Assert.True(limits.CommandLineBytesMax >= 512);
        Assert.Equal(1000, limits.TextLineBytesMax);
        Assert.True(limits.RecipientsMax >= 100);
        Assert.True(limits.IdleTimeout >= TimeSpan.FromMinutes(5));
    }
}
