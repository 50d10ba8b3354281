using MailApi.Hosting;
using Microsoft.Extensions.Configuration;

namespace MailApi.Tests.Http;

/// <summary>A service that starts half configured: a misspelt key is ignored, a bad value replaced, a limit that does not hold.</summary>
public sealed class SettingsTests
{
    private const string Key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    private const string PostgreSql = "Store__Provider=PostgreSql Store__ConnectionString=Host=a";
    private const string RabbitMq = "Bus__Transport=RabbitMq Bus__RabbitMq=amqp://u:p@b/ Limits__Backend=Redis Limits__Redis=c:6379";

    private const string Pools = "Delivery__Pools__default__Addresses__0__Address=127.0.0.1 Delivery__Pools__default__Addresses__0__HeloName=a.test ";
    private const string PoolB = "Delivery__Pools__b__Addresses__0__Address=127.0.0.2 Delivery__Pools__b__Addresses__0__HeloName=b.test ";

    [Theory]
    // Unknown keys.
    [InlineData("Delivery__Foo=1", "Delivery__Foo")]
    [InlineData("Delivery__Relay__Hots=a", "Delivery__Relay__Hots")]
    [InlineData("Store__Conectionstring=a", "Store__Conectionstring")]
    [InlineData("Categories__newsletter__Lifetime=1.00:00:00", "Categories__newsletter")]
    [InlineData("Categories__marketing__Livetime=1.00:00:00", "Categories__marketing__Livetime")]
    [InlineData("Webhooks__AllowPrivate=true", "Webhooks__AllowPrivate")]
    [InlineData("Admin__Keys=x", "Admin__Keys")]
    [InlineData("Delivery__Relay__Options__Host=x", "Delivery__Relay__Options")]
    // Values that are none.
    [InlineData("Delivery__MxPort=abc", "Delivery__MxPort")]
    [InlineData("Delivery__MxPort=0", "Delivery__MxPort")]
    [InlineData("Delivery__MxPort=70000", "Delivery__MxPort")]
    [InlineData("Delivery__AllowPrivateNetworks=maybe", "Delivery__AllowPrivateNetworks")]
    [InlineData("Delivery__Lease=soon", "Delivery__Lease")]
    [InlineData("Delivery__Lease=-00:01:00", "Delivery__Lease")]
    [InlineData("Delivery__StopPatience=-00:01:00", "Delivery__StopPatience")]
    [InlineData("Delivery__Relay__Host=r Delivery__Relay__Port=99999", "Delivery__Relay__Port")]
    [InlineData("Delivery__Relay__Host=r Delivery__Relay__Tls=Perhaps", "Delivery__Relay__Tls")]
    [InlineData("Delivery__Relay__Host=r Delivery__Relay__Tls=7", "Delivery__Relay__Tls")]
    [InlineData("Delivery__Tls__Policies__example.net=sometimes", "Delivery__Tls__Policies__example.net")]
    [InlineData("Delivery__Tls__Policies__example.net=2", "Delivery__Tls__Policies__example.net")]
    [InlineData("Delivery__Tls__Policies__*=Verify", "Delivery__Tls__Policies__*")]
    [InlineData("Delivery__Tls__Policies__a.test=Dane Delivery__Tls__Dane=false", "Delivery__Tls__Dane")]
    [InlineData("Delivery__Tls__MtaStsPort=0", "Delivery__Tls__MtaStsPort")]
    [InlineData("Roles=Everything", "Roles")]
    [InlineData("Roles=None", "Roles")]
    [InlineData("Roles=64", "Roles")]
    [InlineData("Store__Provider=MySql", "Store__Provider")]
    [InlineData("Store__Provider=7", "Store__Provider")]
    [InlineData("Bus__Transport=Kafka", "Bus__Transport")]
    [InlineData("Limits__Backend=9", "Limits__Backend")]
    [InlineData("Limits__FallbackShare=0", "Limits__FallbackShare")]
    [InlineData("Limits__FallbackShare=1.5", "Limits__FallbackShare")]
    [InlineData("Admin__Key=short", "Admin__Key")]
    [InlineData("Admin__Key=", "Admin__Key")]
    [InlineData("Secrets__KeyEncryptionKey=", "Secrets__KeyEncryptionKey")]
    [InlineData("Secrets__KeyEncryptionKey=c2hvcnQ=", "Secrets__KeyEncryptionKey")]
    [InlineData("Secrets__KeyEncryptionKey=%%%", "Secrets__KeyEncryptionKey")]
    [InlineData("Secrets__PreviousKeyEncryptionKeys__0=c2hvcnQ=", "Secrets__PreviousKeyEncryptionKeys__0")]
    [InlineData("Secrets__KeyEncryptionKey=" + Key + " Secrets__PreviousKeyEncryptionKeys__0=" + Key, "Secrets__PreviousKeyEncryptionKeys__0")]
    [InlineData("TrustedProxies__0=10.0.0.0/40", "TrustedProxies__0")]
    [InlineData("TrustedProxies__0=10.0.0.1 TrustedProxies__1=proxy.example", "TrustedProxies__1")]
    [InlineData("Dns__Servers=here", "Dns__Servers")]
    [InlineData("Dns__Servers=127.0.0.1:99999", "Dns__Servers")]
    [InlineData("Domains__SpfInclude=not_a_domain", "Domains__SpfInclude")]
    [InlineData("Domains__ServiceHost=", "Domains__ServiceHost")]
    [InlineData("Categories__marketing__RetryDelays__0=abc", "Categories__marketing__RetryDelays__0")]
    [InlineData("Categories__support__RetryDelays__0=00:00:00", "Categories__support__RetryDelays")]
    [InlineData("Categories__notification__Lifetime=-1", "Categories__notification__Lifetime")]
    [InlineData("Categories__marketing__RequiresUnsubscribe=false", "Categories__marketing__RequiresUnsubscribe")]
    [InlineData("Categories__notification__ConcurrentDeliveries=0", "Categories__notification__ConcurrentDeliveries")]
    [InlineData("Webhooks__ConcurrentDeliveries=0", "Webhooks__ConcurrentDeliveries")]
    [InlineData("Webhooks__PerWebhookConcurrency=1000", "Webhooks__PerWebhookConcurrency")]
    [InlineData("Webhooks__Timeout=01:00:00", "Webhooks__Timeout")]
    [InlineData("Webhooks__PollInterval=00:00:00", "Webhooks__PollInterval")]
    [InlineData("Delivery__Sites__gmail__Conections=5", "Delivery__Sites__gmail__Conections")]
    [InlineData("Delivery__Sites__gmail__Connections=0", "Delivery__Sites__gmail__Connections")]
    [InlineData("Delivery__Sites__gmail__PerSecond=-1", "Delivery__Sites__gmail__PerSecond")]
    [InlineData("Delivery__Sites__gmail__IdleTime=01:00:00", "Delivery__Sites__gmail__IdleTime")]
    [InlineData("Delivery__Sites__mine__Connections=5", "Delivery__Sites__mine__MxSuffixes")]
    [InlineData("Delivery__Sites__mine__MxSuffixes__0=not_a_host", "Delivery__Sites__mine__MxSuffixes")]
    [InlineData("Delivery__Sites__relay__MxSuffixes__0=relay.example", "Delivery__Sites__relay__MxSuffixes")]
    [InlineData("Delivery__Pools__a__Addresses__0__Address=127.0.0.1 Delivery__Pools__a__Addresses__0__HeloName=a.test", "Delivery__Pools__default is missing")]
    [InlineData(Pools + "Delivery__Pools__default__Addresses__0__Adress=127.0.0.1", "Delivery__Pools__default__Addresses__0__Adress")]
    [InlineData(Pools + "Delivery__Pools__default__Addresses__0__Since=soon", "Delivery__Pools__default__Addresses__0__Since")]
    [InlineData(Pools + "Delivery__Pools__default__Addresses__0__Public=::1", "Delivery__Pools__default__Addresses__0__Public")]
    [InlineData(Pools + "Delivery__Pools__default__Addresses__1__Address=127.0.0.3 Delivery__Pools__default__Addresses__1__HeloName=-", "Delivery__Pools__default__Addresses__1__HeloName")]
    [InlineData(Pools + "Delivery__Pools__default__Addresses__1__Address=192.0.2.9 Delivery__Pools__default__Addresses__1__HeloName=a.test", "this machine does not have 192.0.2.9")]
    [InlineData(Pools + "Delivery__Pools__default__Addresses__1__Address=127.0.0.1", "Delivery__Pools__default__Addresses__1__Address")]
    [InlineData(Pools + "Delivery__Pools__default__Overflow=warm", "Delivery__Pools__default__Overflow")]
    [InlineData(Pools + "Delivery__Pools__default__Overflow=Default", "Delivery__Pools__default__Overflow")]
    [InlineData(Pools + "Delivery__Pools__default__Prefer=7", "Delivery__Pools__default__Prefer")]
    [InlineData(Pools + "Delivery__Pools__default__Categories__0=support", "Delivery__Pools__default")]
    [InlineData(Pools + "Delivery__Pools__b__Categories__0=support", "Delivery__Pools__b__Addresses")]
    [InlineData(Pools + PoolB + "Delivery__Pools__b__Categories__0=1", "Delivery__Pools__b__Categories__0")]
    [InlineData(Pools + PoolB + "Delivery__Pools__b__Tenants__0=shop", "Delivery__Pools__b__Tenants")]
    [InlineData(Pools + PoolB + "Delivery__Pools__b__Domains__0=-", "Delivery__Pools__b__Domains")]
    // What does not fit together.
    [InlineData(Pools + "Delivery__EgressAddresses=203.0.113.7", "Delivery__EgressAddresses")]
    [InlineData(Pools + "Delivery__Relay__Host=r", "Delivery__Relay__Host")]
    [InlineData(Pools + PoolB + "Delivery__Pools__b__Domains__0=a.test Delivery__Pools__c__Addresses__0__Address=127.0.0.3 Delivery__Pools__c__Addresses__0__HeloName=c.test Delivery__Pools__c__Domains__0=A.test", "Delivery__Pools__b and Delivery__Pools__c")]
    [InlineData("Store__Provider=PostgreSql", "Store__ConnectionString")]
    [InlineData("Store__ConnectionString=Host=db;Database=mailapi", "Store__ConnectionString is none of SQLite's")]
    [InlineData("Store__Provider=PostgreSql Store__ConnectionString=db:5432", "Store__ConnectionString is none of PostgreSQL's")]
    [InlineData("Limits__Backend=Redis Limits__Redis=c:6379,sll=true", "Limits__Redis")]
    [InlineData("Bus__Transport=RabbitMq", "Bus__RabbitMq")]
    [InlineData("Bus__Transport=RabbitMq Bus__RabbitMq=http://b", "Bus__RabbitMq")]
    [InlineData("Bus__Transport=RabbitMq Bus__RabbitMq=amqp://guest:guest@b/ Limits__Backend=Redis Limits__Redis=c", "Bus__RabbitMq")]
    [InlineData("Bus__Transport=RabbitMq Bus__RabbitMq=amqps://guest:other@b/ Limits__Backend=Redis Limits__Redis=c", "Bus__RabbitMq")]
    [InlineData("Bus__Transport=RabbitMq Bus__RabbitMq=amqp://guest@b/ Limits__Backend=Redis Limits__Redis=c", "Bus__RabbitMq")]
    [InlineData("Bus__Transport=RabbitMq Bus__RabbitMq=amqp://gu%65st:p@b/ Limits__Backend=Redis Limits__Redis=c", "Bus__RabbitMq")]
    [InlineData("Bus__Transport=RabbitMq Bus__RabbitMq=amqp://:p@b/ Limits__Backend=Redis Limits__Redis=c", "Bus__RabbitMq")]
    [InlineData("Bus__Transport=RabbitMq Bus__RabbitMq=amqp://b/ Limits__Backend=Redis Limits__Redis=c", "Bus__RabbitMq")]
    [InlineData("Bus__Transport=RabbitMq Bus__RabbitMq=amqp://u:p@b/", "Limits__Backend")]
    [InlineData("Limits__Backend=Redis", "Limits__Redis")]
    [InlineData("Limits__Redis=localhost:6379", "Limits__Redis is set, but not used")]
    [InlineData("Bus__RabbitMq=amqp://localhost", "Bus__RabbitMq is set, but not used")]
    [InlineData("Delivery__Relay__Host=smtp.example.com Delivery__Relay__Password=p", "Delivery__Relay__Username is missing")]
    [InlineData("Roles=Api", "Store__Provider")]
    [InlineData("Roles=Api " + PostgreSql, "Bus__Transport")]
    [InlineData("Roles=Api " + PostgreSql + " " + RabbitMq, "Secrets__KeyEncryptionKey")]
    [InlineData("Delivery__Relay__Username=u Delivery__Relay__Password=p", "Delivery__Relay__Host")]
    [InlineData("Delivery__Relay__Tls=Implicit", "Delivery__Relay__Host")]
    [InlineData("Receive__Smtp=25", "Receive__Smtp")]
    [InlineData("Receive__Smtp=0.0.0.0", "Receive__Smtp")]
    [InlineData("Receive__Submission=localhost:587", "Receive__Submission")]
    [InlineData("Receive__SubmissionTls=127.0.0.1:99999", "Receive__SubmissionTls")]
    [InlineData("Receive__SubmissionTls=", "Receive__SubmissionTls")]
    [InlineData("Receive__Submision=127.0.0.1:587", "Receive__Submision")]
    [InlineData("Receive__Smtp=127.0.0.1:25 Receive__Submission=127.0.0.1:25", "Receive__Submission is the address of Receive__Smtp")]
    [InlineData("Receive__CertificatePath=a.pem", "Receive__CertificateKeyPath is missing")]
    [InlineData("Receive__CertificateKeyPath=a.pem", "Receive__CertificatePath is missing")]
    [InlineData("Receive__ConnectionsMax=0", "Receive__ConnectionsMax")]
    [InlineData("Receive__ConnectionsPerAddressMax=10000", "Receive__ConnectionsPerAddressMax")]
    [InlineData("Receive__LoginFailuresMax=0", "Receive__LoginFailuresMax")]
    [InlineData("Receive__GreetingPause=00:10:00", "Receive__GreetingPause")]
    [InlineData("Receive__Submission=0.0.0.0:587 Roles=Api,Deliver " + PostgreSql + " " + RabbitMq + " Secrets__KeyEncryptionKey=" + Key, "Receive__Submission is set, but Roles has no Receive")]
    public void What_cannot_hold_stops_the_start_and_names_the_key(string settings, string key)
    {
        var refusal = Assert.Throws<SettingsException>(() => Read(settings));
        Assert.Contains(key, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Delivery__MxPort=2525 delivery__lease=00:00:05 Delivery__Relay__Host=r Delivery__Relay__Tls=implicit Delivery__Relay__Username=u")]
    [InlineData("Roles=Api,Deliver " + PostgreSql + " " + RabbitMq + " Secrets__KeyEncryptionKey=" + Key)]
    [InlineData("Roles=Api,Deliver Receive__Smtp=0.0.0.0:25 " + PostgreSql + " " + RabbitMq + " Secrets__KeyEncryptionKey=" + Key)]
    [InlineData("Bus__Transport=RabbitMq Bus__RabbitMq=amqp://guest:guest@localhost/ Limits__Backend=Redis Limits__Redis=c:6379")]
    [InlineData("Categories__marketing__RetryDelays__0=00:05:00 Categories__marketing__Lifetime=2.00:00:00 Webhooks__Timeout=00:00:05")]
    [InlineData("Delivery__Sites__GMail__Connections=5 Delivery__Sites__mine__MxSuffixes__0=mx.example.net Delivery__Sites__default__PerSecond=0")]
    [InlineData("Delivery__Tls__Policies__example.net=Verify Delivery__Tls__Policies__*.google.com=encrypt Delivery__Tls__MtaSts=false")]
    [InlineData(Pools + PoolB + "Delivery__Pools__b__Categories__0=support Delivery__Pools__b__Overflow=Default Delivery__Pools__b__Addresses__0__Since=2026-11-20 Delivery__Pools__b__Addresses__0__Public=203.0.113.7 Delivery__Pools__b__Prefer=ipv6")]
    // A process that does not deliver tells of addresses that others have.
    [InlineData("Roles=Api Delivery__Pools__default__Addresses__0__Address=192.0.2.9 Delivery__Pools__default__Addresses__0__HeloName=a.test Secrets__KeyEncryptionKey=" + Key + " " + PostgreSql + " " + RabbitMq)]
    [InlineData("Receive__Smtp=[::]:25 Receive__Submission=0.0.0.0:587 Receive__SubmissionTls=0.0.0.0:465 Receive__CertificatePath=a.pem Receive__CertificateKeyPath=b.pem Receive__GreetingPause=00:00:00")]
    [InlineData("Logging__LogLevel__Default=Debug Foo=bar PATH=/bin")]
    public void What_fits_together_starts(string settings)
    {
        Read(settings);
    }

    [Fact]
    public void A_refusal_does_not_print_a_secret()
    {
        foreach (var settings in new[] { "Admin__Key=tooshortasecret", "Secrets__KeyEncryptionKey=tooshortasecret", "Bus__Transport=RabbitMq Bus__RabbitMq=http://u:tooshortasecret@b", "Delivery__Relay__Password=tooshortasecret", "Store__ConnectionString=Host=db;Password=tooshortasecret", "Limits__Backend=Redis Limits__Redis=c,pasword=tooshortasecret" })
            Assert.DoesNotContain("tooshortasecret", Assert.Throws<SettingsException>(() => Read(settings)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("Bus__Transport=RabbitMq Bus__RabbitMq=amqp://u:p@b/ Limits__Backend=Redis Limits__Redis=c:6379", "Bus__RabbitMq Limits__Redis")]
    [InlineData("Bus__Transport=RabbitMq Bus__RabbitMq=amqps://u:p@b/ Limits__Backend=Redis Limits__Redis=c:6379,ssl=true", "")]
    [InlineData("Bus__Transport=RabbitMq Bus__RabbitMq=amqp://u:p@127.0.0.1/ Limits__Backend=Redis Limits__Redis=127.0.0.1:6379,localhost:6380", "")]
    [InlineData("Bus__Transport=RabbitMq Bus__RabbitMq=amqp://u:p@localhost/ Limits__Backend=Redis Limits__Redis=127.0.0.1:6379,192.0.2.1:6380", "Limits__Redis")]
    public void Clear_text_to_another_machine_is_told(string settings, string keys) => Assert.Equal(keys, string.Join(' ', Coherence.InClearText(Read(settings))));

    private static Settings Read(string settings) => Settings.From(new ConfigurationBuilder().AddInMemoryCollection(
        settings.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0].Replace("__", ":", StringComparison.Ordinal), (string?)pair[1]))).Build());
}
