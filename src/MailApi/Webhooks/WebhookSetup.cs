using MailApi.Storage;

namespace MailApi.Webhooks;

/// <summary>Registers the slice; the pump apart, because only some processes deliver.</summary>
public static class WebhookSetup
{
    /// <summary>
    /// What the routes need, and <see cref="WebhookSignal"/> for whoever commits events. Needs in the container:
    /// <see cref="WebhookOptions"/>, <c>Db</c>, <c>Vault</c>, <see cref="TimeProvider"/> and the resolver that
    /// <see cref="EgressGuard"/> asks, <c>Func&lt;string, CancellationToken, Task&lt;IReadOnlyList&lt;IPAddress&gt;&gt;&gt;</c>.
    /// </summary>
    public static IServiceCollection AddWebhooks(this IServiceCollection services) => services
        .AddSingleton<WebhookSignal>()
        .AddSingleton<EgressGuard>()
        .AddSingleton<WebhookStore>()
        .AddSealed(new("webhooks", "id", "secret"), new("webhooks", "id", "previous_secret"))
        .AddSingleton<DeliveryLog>();

    /// <summary>Delivers from this process: the role <c>Webhook</c>.</summary>
    public static IServiceCollection AddWebhookPump(this IServiceCollection services) => services
        .AddSingleton<WebhookClient>()
        .AddSingleton<Deliveries>()
        .AddHostedService<WebhookPump>();
}
