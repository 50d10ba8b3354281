using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace MailApi.Storage;

/// <summary>
/// The commands of a connection. Npgsql prepares what it sees often by itself; SQLite's driver parses and plans the text for every new
/// command, so there a connection keeps its commands as long as it lives. A connection is used by one at a time.
/// </summary>
internal static class PreparedCommands
{
    /// <summary>Commands kept for a connection; texts put together from a caller's filters could be many.</summary>
    private const int KeptMax = 128;

    /// <summary>SQLite holds a copy of the values bound last: what has a larger one is not kept.</summary>
    private const int KeptOctetsMax = 64 * 1024;

    private const string OwnText = "The store's one place where text becomes a statement: it is this program's own, and what comes from outside is an argument.";

    private static readonly ConditionalWeakTable<DbConnection, Dictionary<string, DbCommand>> commands = [];

    /// <summary>A command with the statement's text and arguments, until it is disposed of.</summary>
    public static Lent Lend(DbConnection connection, DbTransaction? transaction, Statement statement)
    {
        if (connection.CanCreateBatch) return new Lent(MakePositional(connection, transaction, statement), Kept: false);
        if (statement.Args.Any(arg => arg.Value is byte[] { Length: > KeptOctetsMax })) return new Lent(Make(connection, transaction, statement), Kept: false);
        var kept = commands.GetOrCreateValue(connection);
        if (kept.TryGetValue(statement.Sql, out var command) && command.Parameters.Count == statement.Args.Length)
        {
            command.Transaction = transaction;
            Bind(command.Parameters, statement.Args);
            return new Lent(command, Kept: true);
        }
        command = Make(connection, transaction, statement);
        return new Lent(command, Kept: kept.Count < KeptMax && kept.TryAdd(statement.Sql, command));
    }

    [SuppressMessage("Security", "CA2100", Justification = OwnText)]
    private static DbCommand MakePositional(DbConnection connection, DbTransaction? transaction, Statement statement)
    {
        var (text, values) = PositionalSql.Of(statement);
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = text;
        foreach (var value in values)
        {
            var parameter = command.CreateParameter();
            parameter.Value = value;
            command.Parameters.Add(parameter);
        }
        return command;
    }

    [SuppressMessage("Security", "CA2100", Justification = OwnText)]
    private static DbCommand Make(DbConnection connection, DbTransaction? transaction, Statement statement)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = statement.Sql;
        foreach (var (name, value) in statement.Args)
        {
            var parameter = command.CreateParameter();
            // With the prefix: the driver of SQLite would try three.
            parameter.ParameterName = "@" + name;
            parameter.Value = value ?? DBNull.Value;
            command.Parameters.Add(parameter);
        }
        return command;
    }

    private static void Bind(DbParameterCollection parameters, (string Name, object? Value)[] args)
    {
        for (var index = 0; index < args.Length; index++)
        {
            var parameter = parameters[index];
            // The same text mostly comes from the same place, with its arguments in the same order.
            if (!parameter.ParameterName.AsSpan(1).SequenceEqual(args[index].Name)) parameter = parameters["@" + args[index].Name];
            parameter.Value = args[index].Value ?? DBNull.Value;
        }
    }

    /// <summary>On loan; one that is not kept ends with its use.</summary>
    public readonly record struct Lent(DbCommand Command, bool Kept) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Kept ? ValueTask.CompletedTask : Command.DisposeAsync();
    }
}
