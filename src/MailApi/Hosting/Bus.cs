using MailApi.Api;
using MailApi.Delivery.Categories;
using MailApi.Spool;
using MassTransit;

namespace MailApi.Hosting;

/// <summary>The bus: in memory, or RabbitMQ with one quorum queue a category. It carries doorbells and nothing else.</summary>
internal static class Bus
{
    /// <summary>A doorbell that was delivered so often without being acknowledged is set aside; the sweep rings its envelopes anew.</summary>
    public const int DeliveriesMax = 20;

    /// <summary>Where doorbells go that were delivered too often: for an operator's eyes.</summary>
    public const string DeadLetters = "deliver-dead";

    /// <summary>
    /// Doorbells that one consumer works on at once; what they name waits for a delivery slot, unclaimed. Many, because slots are dealt fairly among
    /// those who wait for one, and a doorbell that waits in the broker is not among them.
    /// </summary>
    private const int ConcurrentDoorbells = 128;

    public static void AddBus(this IServiceCollection services, Settings settings)
    {
        var deliver = settings.Roles.HasFlag(Roles.Deliver);
        var rabbitMq = settings.Bus.Transport == BusTransport.RabbitMq;
        services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            if (deliver)
            {
                bus.AddConsumer<MarketingConsumer>();
                bus.AddConsumer<NotificationConsumer>();
                bus.AddConsumer<SupportConsumer>();
            }
            if (rabbitMq) bus.UsingRabbitMq((context, transport) => ConfigureRabbitMq(transport, context, settings.Bus.RabbitMq!, deliver));
            else bus.UsingInMemory((context, transport) => ConfigureEndpoints(transport, context, deliver));
        });
        services.Configure<MassTransitHostOptions>(host =>
        {
            // The service accepts mail without the broker.
            host.WaitUntilStarted = false;
            host.StopTimeout = settings.Delivery.StopPatience;
        });
        services.AddSingleton<DoorbellAddress>(category => new Uri((rabbitMq ? "exchange:" : "queue:") + Doorbell.QueueName(category)));
    }

    private static void ConfigureRabbitMq(IRabbitMqBusFactoryConfigurator transport, IBusRegistrationContext context, string address, bool deliver)
    {
        transport.Host(new Uri(address), host =>
        {
            host.PublisherConfirmation = true;
            host.RequestedConnectionTimeout(TimeSpan.FromSeconds(10));
        });
        // RabbitMQ confirms what no queue takes, unless it is told to give it back.
        transport.ConfigureSend(send => send.UseExecute(message =>
        {
            if (message.TryGetPayload<RabbitMqSendContext>(out var rabbit)) rabbit.Mandatory = true;
        }));
        ConfigureEndpoints(transport, context, deliver);
    }

    private static void ConfigureEndpoints<TEndpoint>(IBusFactoryConfigurator<TEndpoint> transport, IBusRegistrationContext context, bool deliver)
        where TEndpoint : IReceiveEndpointConfigurator
    {
        if (!deliver) return;
        Add<MarketingConsumer>(Category.Marketing);
        Add<NotificationConsumer>(Category.Notification);
        Add<SupportConsumer>(Category.Support);

        void Add<TConsumer>(Category category) where TConsumer : class, IConsumer<Doorbell> => transport.ReceiveEndpoint(Doorbell.QueueName(category), endpoint =>
        {
            endpoint.ConfigureConsumeTopology = false;
            endpoint.PublishFaults = false;
            endpoint.PrefetchCount = ConcurrentDoorbells;
            endpoint.ConcurrentMessageLimit = ConcurrentDoorbells;
            // A doorbell whose consumer failed has nothing to tell: the sweep finds its envelopes.
            endpoint.DiscardFaultedMessages();
            endpoint.DiscardSkippedMessages();
            if (endpoint is IRabbitMqReceiveEndpointConfigurator rabbit)
            {
                rabbit.SetQuorumQueue();
                rabbit.SetQueueArgument("x-delivery-limit", DeliveriesMax);
                rabbit.BindDeadLetterQueue(DeadLetters, DeadLetters, dead => dead.SetQuorumQueue());
            }
            endpoint.ConfigureConsumer<TConsumer>(context);
        });
    }
}
