namespace MailApi.Limits;

/// <summary>Registers one body of <see cref="ISendLimiter"/>; both need <see cref="TimeProvider"/>.</summary>
internal static class LimitSetup
{
    public static IServiceCollection AddLocalLimits(this IServiceCollection services) => services.AddSingleton<ISendLimiter, LocalSendLimiter>();

    /// <summary>Needs <see cref="LimitOptions"/> too.</summary>
    public static IServiceCollection AddRedisLimits(this IServiceCollection services) => services
        .AddSingleton<RedisConnection>()
        .AddHostedService(provider => provider.GetRequiredService<RedisConnection>())
        .AddSingleton<ISendLimiter, RedisSendLimiter>();
}
