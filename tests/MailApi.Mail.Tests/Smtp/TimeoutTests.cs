using MailApi.Mail.Smtp;
using Xunit;

namespace MailApi.Mail.Tests.Smtp;

public sealed class TimeoutTests
{
    [Fact]
    public void Each_step_is_waited_for_as_long_as_RFC_5321_asks()
    {
        var minutes = new SmtpTimeouts
        {
            Greeting = TimeSpan.FromMinutes(5), // §4.5.3.2.1
            Hello = TimeSpan.FromMinutes(5), // not named there; as its neighbours
            MailFrom = TimeSpan.FromMinutes(5), // §4.5.3.2.2
            RcptTo = TimeSpan.FromMinutes(5), // §4.5.3.2.3
            Data = TimeSpan.FromMinutes(2), // §4.5.3.2.4
            Block = TimeSpan.FromMinutes(3), // §4.5.3.2.5
            FinalDot = TimeSpan.FromMinutes(10), // §4.5.3.2.6
        };

        Assert.Equal(minutes, new SmtpClientOptions { HeloName = "out.mailapi.test" }.Timeouts);
    }
}
