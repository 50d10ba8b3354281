using MailApi.Mail.Smtp.Listener;

namespace MailApi.Receiving;

/// <summary>The SMTP listeners' part of the process.</summary>
internal static class SmtpListeners
{
    /// <summary>Octets of submitted messages that may be under way to this process at a time; the next is told 451 4.3.1. A quarter of what a small machine has.</summary>
    private const long UnderWayBytesMax = 512L << 20;

    public static IServiceCollection AddReceiving(this IServiceCollection services, ReceiveOptions options) => services
        .AddSingleton(options).AddSingleton(new ContentBudget(UnderWayBytesMax)).AddSingleton<LoginFailures>()
        .AddSingleton<Inbound>().AddSingleton<InboundConnectionHandler>()
        .AddSingleton<SubmissionReader>().AddSingleton<SubmissionDesk>().AddSingleton<SubmissionListener>();
}
