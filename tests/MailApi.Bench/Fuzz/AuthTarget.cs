using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using MailApi.Mail.Smtp.Listener;
using MailApi.Testing.Fuzzing;

namespace MailApi.Bench.Fuzz;

/// <summary>What a client says to log in (RFC 4954): the first line is AUTH's argument, each further one is said when the listener waits for it.</summary>
internal static class AuthTarget
{
    private static readonly ReceptionLimits Limits = new() { CommandLineBytesMax = 512 };

    public static readonly byte[][] Seeds = Texts.Octets("PLAIN AGFubgBrZXk=\r\n", "PLAIN\r\nAGFubgBrZXk=\r\n", "plain =\r\n", "LOGIN\r\nYW5u\r\na2V5\r\n", "LOGIN YW5u\r\na2V5\r\n", "LOGIN\r\n*\r\n", "XOAUTH2 dXNlcj1h\r\n");

    public static readonly string[] Words = ["PLAIN ", "LOGIN", "CRAM-MD5", "\r\n", "\n", "\r", "*", "=", "==", " ", "AAAA", "AGEAYg==", "/w==", "4oKs", "AA==", new string('A', 600), "\0", "\u00e9"];

    public static string Try(byte[] input)
    {
        var (toServer, toClient) = (Duplex.Pipe(), Duplex.Pipe());
        var end = input.AsSpan().IndexOf((byte)'\n') is >= 0 and var at ? at + 1 : input.Length;
        // The session refuses a command line with control characters before it gets here.
        var argument = Texts.Of(input[..end]).TrimEnd('\r', '\n');
        if (argument.Any(char.IsControl)) return "no line";
        var exchange = Run(new Duplex(toServer.Reader, toClient.Writer), argument);
        foreach (var piece in SmtpTarget.Pieces(input[end..]))
        {
            if (exchange.IsCompleted) break;
            toServer.Writer.Write(piece.Span);
            toServer.Writer.FlushAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult();
        }
        toServer.Writer.Complete();
        if (!exchange.IsCompleted) throw new InvalidOperationException("The exchange goes on after its client has gone.");
        var result = exchange.GetAwaiter().GetResult();
        var asked = Challenges(toClient.Reader);
        if ((result.Credentials is not null ? 1 : 0) + (result.Fault is not null ? 1 : 0) + (result.Loss != Loss.None ? 1 : 0) != 1) throw new InvalidOperationException($"The exchange came to {result}.");
        if (result.Fault is { IsPositive: true } fault) throw new InvalidOperationException($"A fault that is none: {fault}");
        if (result.Credentials is { } given && (!Said(input, given.UserName) || !Said(input, given.Password))) throw new InvalidOperationException($"Nobody said {given}.");
        return $"{asked} {result.Credentials is null} {result.Loss} {result.Fault} {result.IsFatal}";
    }

    private static async Task<AuthResult> Run(Duplex connection, string argument)
    {
        await using var wire = new Wire(connection, Limits, TimeProvider.System, CancellationToken.None);
        return await new AuthExchange(wire, Limits, TimeProvider.System).Run(argument);
    }

    /// <summary>How many were written, of which each is one that a client knows.</summary>
    private static int Challenges(PipeReader written)
    {
        if (!written.TryRead(out var result)) return 0;
        var challenges = Encoding.Latin1.GetString(result.Buffer).Split("\r\n");
        if (challenges[^1].Length > 0 || challenges[..^1].Any(line => line is not ("334 " or "334 VXNlcm5hbWU6" or "334 UGFzc3dvcmQ6"))) throw new InvalidOperationException($"No challenge: {string.Join('|', challenges)}");
        return challenges.Length - 1;
    }

    /// <summary>One of the words stands for it, or for a message of PLAIN that has it.</summary>
    private static bool Said(byte[] input, string text)
    {
        foreach (var word in Encoding.Latin1.GetString(input).Split('\r', '\n', ' '))
        {
            var octets = new byte[word.Length];
            if (word == "=" && text.Length == 0) return true;
            if (Convert.TryFromBase64String(word, octets, out var length) && Encoding.UTF8.GetString(octets, 0, length) is var said && (said == text || said.Split('\0').Contains(text))) return true;
        }
        return false;
    }
}
