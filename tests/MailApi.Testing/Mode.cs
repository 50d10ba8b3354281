namespace MailApi.Testing;

/// <summary>How the program is put together.</summary>
public enum Mode
{
    /// <summary>One process: SQLite, the bus in memory, limits in process.</summary>
    Embedded,

    /// <summary>PostgreSQL, RabbitMQ and Redis.</summary>
    Distributed,
}
