using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailApi.Mail.Preflight;

/// <summary>Where SpamAssassin is, and how long it may take.</summary>
public sealed record SpamdOptions
{
    /// <summary>Null: SpamAssassin is not asked.</summary>
    public EndPoint? EndPoint { get; init; }

    /// <summary>From the connection to the last octet of the report.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Larger messages are not sent there; <c>spamc</c> has the same bound (500 KB), since checking takes long and spam is small.</summary>
    public int MessageBytesMax { get; init; } = 500 * 1024;
}

/// <summary>A rule that fired, and what it adds to the score.</summary>
public sealed record SpamRule(string Name, double Points, string Description);

/// <summary>What SpamAssassin says. The set of cases is closed.</summary>
public abstract record SpamdAnswer
{
    private SpamdAnswer() { }

    /// <param name="Score">Spam from <paramref name="Threshold"/> on.</param>
    /// <param name="Report">For a person; at most 64 KB.</param>
    public sealed record Scored(double Score, double Threshold, IReadOnlyList<SpamRule> Rules, string Report) : SpamdAnswer;

    public sealed record TooLarge(int BytesMax) : SpamdAnswer;

    /// <summary>It could not be reached, took too long, or said what is not its protocol.</summary>
    public sealed record Unavailable(string Reason) : SpamdAnswer;
}

/// <summary>A client of <c>spamd</c> (SPAMC/1.5): one connection, one REPORT, no retry.</summary>
public sealed class Spamd(SpamdOptions options, TimeProvider time)
{
    private const int AnswerBytesMax = 64 * 1024;

    /// <summary>Of a rule; what goes on beyond is left out.</summary>
    private const int DescriptionCharsMax = 500;

    public bool IsConfigured => options.EndPoint is not null;

    /// <exception cref="OperationCanceledException"><paramref name="ct"/> only: whatever the peer does is an answer.</exception>
    public async Task<SpamdAnswer> Check(ReadOnlyMemory<byte> message, CancellationToken ct)
    {
        if (options.EndPoint is not { } endPoint) return new SpamdAnswer.Unavailable("it is not configured");
        if (message.Length > options.MessageBytesMax) return new SpamdAnswer.TooLarge(options.MessageBytesMax);
        using var patience = new CancellationTokenSource(options.Patience, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(endPoint, limit.Token);
            await using var stream = new NetworkStream(socket);
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"REPORT SPAMC/1.5\r\nContent-length: {message.Length}\r\n\r\n"), limit.Token);
            await stream.WriteAsync(message, limit.Token);
            socket.Shutdown(SocketShutdown.Send);
            return Parse(await ReadAll(stream, limit.Token));
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return new SpamdAnswer.Unavailable(e is SocketException socket ? socket.SocketErrorCode.ToString() : "the connection broke");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new SpamdAnswer.Unavailable($"no answer within {options.Patience.TotalSeconds:0.#} s");
        }
    }

    private static async Task<string> ReadAll(NetworkStream stream, CancellationToken ct)
    {
        var octets = new byte[AnswerBytesMax];
        var read = await stream.ReadAtLeastAsync(octets, octets.Length, throwOnEndOfStream: false, ct);
        return Encoding.UTF8.GetString(octets, 0, read);
    }

    /// <summary><c>SPAMD/1.1 0 EX_OK</c>, header lines, an empty line, the report.</summary>
    internal static SpamdAnswer Parse(string answer)
    {
        var end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var head = (end < 0 ? answer : answer[..end]).Split("\r\n");
        var status = head[0].Split(' ', 3);
        if (end < 0 || status.Length < 2 || !status[0].StartsWith("SPAMD/", StringComparison.Ordinal)) return new SpamdAnswer.Unavailable("it does not speak the protocol of spamd");
        if (status[1] != "0") return new SpamdAnswer.Unavailable($"it answered {Shown.Text(head[0])}");

        // "Spam: True ; 15.4 / 5.0"
        var spam = head.FirstOrDefault(line => line.StartsWith("Spam:", StringComparison.OrdinalIgnoreCase));
        var numbers = spam?[(spam.IndexOf(';', StringComparison.Ordinal) + 1)..].Split('/') ?? [];
        if (numbers.Length != 2 || Number(numbers[0]) is not { } score || Number(numbers[1]) is not { } threshold) return new SpamdAnswer.Unavailable("it gave no score");
        var report = answer[(end + 4)..].Replace("\r\n", "\n", StringComparison.Ordinal);
        return new SpamdAnswer.Scored(score, threshold, Rules(report), report);
    }

    /// <summary>The table of the report: points, name, description, which may go on in further lines.</summary>
    private static List<SpamRule> Rules(string report)
    {
        var rules = new List<SpamRule>();
        var inTable = false;
        foreach (var line in report.Split('\n'))
        {
            if (line.StartsWith("----", StringComparison.Ordinal) && line.Contains(" ---", StringComparison.Ordinal)) inTable = true;
            else if (!inTable || line.Trim().Length == 0) continue;
            else if (line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries) is [var points, var name, ..] and var cells && Number(points) is { } value && IsRuleName(name))
                rules.Add(new SpamRule(name, value, cells.Length > 2 ? cells[2].Trim() : ""));
            else if (rules.Count > 0 && rules[^1].Description.Length < DescriptionCharsMax && line.StartsWith("     ", StringComparison.Ordinal))
                rules[^1] = rules[^1] with { Description = $"{rules[^1].Description} {line.Trim()}" };
        }
        return rules;
    }

    private static bool IsRuleName(string name) => name.Length > 1 && name.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c == '_');

    private static double? Number(string text) =>
        double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;
}
