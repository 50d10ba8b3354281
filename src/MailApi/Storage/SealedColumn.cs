namespace MailApi.Storage;

/// <summary>A column whose values are sealed, and the column that names their row.</summary>
public sealed record SealedColumn(string Table, string Row, string Column);

public static class SealedColumns
{
    /// <summary>Makes a slice's secrets known to whoever seals them anew.</summary>
    public static IServiceCollection AddSealed(this IServiceCollection services, params IReadOnlyList<SealedColumn> columns)
    {
        foreach (var column in columns) services.AddSingleton(column);
        return services;
    }
}
