using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace MailApi.Mail.Smtp.Listener;

/// <summary>A line where a command was expected: its <see cref="Verb"/> in upper case and <see cref="Argument"/>, or why there is none.</summary>
/// <param name="Verb">Empty where there is a loss or fault.</param>
/// <param name="Argument">Without the blanks around it.</param>
/// <param name="Loss">The line did not come.</param>
/// <param name="Fault">The line is to be refused with this.</param>
/// <param name="IsFatal">Whoever wrote the line and this server may not see the same line ends: what follows cannot be trusted.</param>
/// <param name="Text">The whole line, for exchanges in which it is no command.</param>
internal readonly record struct CommandLine(string Verb, string Argument, Loss Loss = Loss.None, Reply? Fault = null, bool IsFatal = false, string Text = "")
{
    /// <summary>Waits for the next line. An overlong one is skipped as it comes, not held.</summary>
    public static async ValueTask<CommandLine> Read(Wire wire, ReceptionLimits limits, TimeProvider time)
    {
        var started = time.GetTimestamp();
        var (isTooLong, isBare) = (false, false);
        while (true)
        {
            var arrival = await wire.Read(limits.IdleTimeout - time.GetElapsedTime(started));
            if (arrival.Loss != Loss.None) return new CommandLine("", "", arrival.Loss);
            var buffer = arrival.Buffer;
            if (buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = buffer.Slice(0, buffer.GetPosition(1, end));
                isTooLong |= line.Length > limits.CommandLineBytesMax;
                var parsed = isTooLong ? Skipped(line, isBare, limits) : Parse(line.ToArray());
                wire.Take(line.End);
                return parsed;
            }

            isTooLong |= buffer.Length > limits.CommandLineBytesMax;
            // The last octet stays: it may be the CR of the line's end.
            var skipped = buffer.Slice(0, isTooLong ? buffer.Length - 1 : 0);
            isBare |= skipped.PositionOf((byte)'\r') is not null;
            wire.Take(skipped.End, buffer.End);
            if (arrival.IsLast) return new CommandLine("", "", Loss.Closed);
        }
    }

    private static CommandLine Skipped(ReadOnlySequence<byte> rest, bool isBare, ReceptionLimits limits)
    {
        isBare |= !EndsOnlyWithCrLf(rest.ToArray());
        return isBare ? Refused(Replies.BareLineEndInCommand, isFatal: true) : Refused(Replies.LineTooLong(limits));
    }

    private static CommandLine Parse(ReadOnlySpan<byte> line)
    {
        if (!EndsOnlyWithCrLf(line)) return Refused(Replies.BareLineEndInCommand, isFatal: true);
        line = line[..^2];
        if (line.ContainsAnyInRange((byte)0, (byte)0x1F) || line.Contains((byte)0x7F) || !Utf8.IsValid(line)) return Refused(Replies.NotText);

        var text = Encoding.UTF8.GetString(line);
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        return space < 0
            ? new CommandLine(text.ToUpperInvariant(), "", Text: text)
            : new CommandLine(text[..space].ToUpperInvariant(), text[(space + 1)..].Trim(' '), Text: text);
    }

    /// <summary>The line, which ends at its first LF, has a CR before that and nowhere else.</summary>
    private static bool EndsOnlyWithCrLf(ReadOnlySpan<byte> line) => line.Length >= 2 && line.IndexOf((byte)'\r') == line.Length - 2;

    private static CommandLine Refused(Reply fault, bool isFatal = false) => new("", "", Loss.None, fault, isFatal);
}
