namespace MailApi.Integration.Tests.Packaging;

/// <summary>The configuration keys that deployments use. The service refuses to start with a key that it does not know, so a misspelt one is an outage.</summary>
internal static class ConfigurationKeys
{
    public static readonly string[] Common = ["Admin__Key", "Secrets__KeyEncryptionKey", "Delivery__HeloName"];

    public static readonly string[] Listeners = ["Receive__Smtp", "Receive__Submission", "Receive__SubmissionTls"];

    public static readonly string[] Receive = [.. Listeners, "Receive__CertificatePath", "Receive__CertificateKeyPath"];

    public static readonly string[] Distributed =
    [
        .. Common, "Roles", "Store__Provider", "Store__ConnectionString", "Bus__Transport", "Bus__RabbitMq", "Limits__Backend", "Limits__Redis",
        // All roles say where answers are sent; one takes them.
        "Receive__Smtp",
    ];
}
