using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace MailApi.Bench;

/// <summary>How the program under measurement is put together.</summary>
internal enum Mode
{
    /// <summary>One process: SQLite, the bus in memory, limits in process.</summary>
    Embedded,

    /// <summary>PostgreSQL, RabbitMQ and Redis.</summary>
    Distributed,
}

/// <summary><c>command --name value …</c></summary>
internal sealed class Arguments
{
    private static readonly string[] Known =
    [
        "rate", "seconds", "warm-up", "rehearse", "mode", "messages", "connections", "concurrent", "times",
        "tenants", "domains", "sites", "size", "recipients", "port", "verify", "dns", "without", "only", "scale", "out", "set", "target", "minutes", "seed", "keep", "rows",
    ];
    private readonly Dictionary<string, string> values = [];
    private readonly Dictionary<string, string> settings = [];

    public Mode Mode => Enum.Parse<Mode>(values.GetValueOrDefault("mode", nameof(Mode.Embedded)), ignoreCase: true);

    public int Number(string name, int otherwise) => values.TryGetValue(name, out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    public string Text(string name, string otherwise) => values.GetValueOrDefault(name, otherwise);

    /// <summary>Words parted by commas.</summary>
    public IReadOnlyList<string> List(string name) => Text(name, "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Of the program, each from a <c>--set Key=Value</c>.</summary>
    public IReadOnlyDictionary<string, string> Settings => settings;

    public static bool TryParse(string[] args, out string command, out Arguments arguments, [NotNullWhen(false)] out string? error)
    {
        (command, arguments, error) = (args.FirstOrDefault(""), new Arguments(), null);
        if (command.Length == 0) error = "Name a measurement.";
        for (var index = 1; index < args.Length && error is null; index += 2)
        {
            var name = args[index].TrimStart('-');
            if (!Known.Contains(name) || index + 1 == args.Length) error = $"'{args[index]}' is not understood.";
            else if (name != "set") arguments.values[name] = args[index + 1];
            else if (args[index + 1].Split('=', 2) is [var key, var value]) arguments.settings[key] = value;
            else error = "--set takes Key=Value.";
        }
        return error is null;
    }
}
