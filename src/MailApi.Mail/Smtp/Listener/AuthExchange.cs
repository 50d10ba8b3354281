using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;

namespace MailApi.Mail.Smtp.Listener;

/// <summary>What an exchange came to: credentials, or why there are none.</summary>
/// <param name="IsFatal">The session ends with the fault.</param>
internal readonly record struct AuthResult(Credentials? Credentials, Loss Loss = Loss.None, Reply? Fault = null, bool IsFatal = false);

/// <summary>
/// The questions and answers of AUTH (RFC 4954 §4) up to the credentials: PLAIN (RFC 4616) and LOGIN, which was never more than a draft and is what many
/// clients speak alone. A response has a command line's length, which holds the three names of 255 octets that PLAIN allows.
/// </summary>
internal sealed class AuthExchange(Wire wire, ReceptionLimits limits, TimeProvider time)
{
    /// <summary>Ends the exchange instead of a response.</summary>
    private const string Cancel = "*";

    /// <summary>An initial response of no octets (RFC 4954 §4).</summary>
    private const string Empty = "=";

    private static readonly string AskUserName = Convert.ToBase64String("Username:"u8);
    private static readonly string AskPassword = Convert.ToBase64String("Password:"u8);

    /// <param name="argument">The mechanism and, behind a blank, the initial response, if there is one.</param>
    public async ValueTask<AuthResult> Run(string argument)
    {
        var words = argument.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length is 0 or > 2) return Refused(words.Length == 0 ? Replies.ArgumentExpected : Replies.BadCredentials);
        var initial = words.Length == 2 ? words[1] : null;
        return words[0].ToUpperInvariant() switch
        {
            "PLAIN" => await Plain(initial),
            "LOGIN" => await Login(initial),
            _ => Refused(Replies.UnknownMechanism),
        };
    }

    private async ValueTask<AuthResult> Plain(string? initial)
    {
        var (message, failed) = await Response("", initial);
        if (failed is not null) return failed.Value;
        // authzid NUL authcid NUL passwd; whoever knows no name to write leaves it empty, though the RFC wants one.
        return message.Split('\0') is [_, var name, { Length: > 0 } password] ? new AuthResult(new Credentials(name, password)) : Refused(Replies.BadCredentials);
    }

    private async ValueTask<AuthResult> Login(string? initial)
    {
        var (name, failed) = await Response(AskUserName, initial);
        if (failed is not null) return failed.Value;
        (var password, failed) = await Response(AskPassword, null);
        return failed ?? new AuthResult(new Credentials(name, password));
    }

    /// <summary>The response that came with the command, or the one to this challenge.</summary>
    private async ValueTask<(string Text, AuthResult? Failed)> Response(string challenge, string? initial)
    {
        if (initial is not null) return TryDecode(initial == Empty ? "" : initial, out var given) ? (given, null) : ("", Refused(Replies.NotBase64));
        // What did not wait for the challenge is no response to it.
        if (wire.HasInput()) return ("", Refused(Replies.SpokeTooEarly, isFatal: true));

        wire.Write(Replies.Challenge(challenge));
        var line = await CommandLine.Read(wire, limits, time);
        if (line.Loss != Loss.None) return ("", new AuthResult(null, line.Loss));
        // An overlong line, or octets that no base64 has.
        if (line.Fault is not null) return ("", line.IsFatal ? Refused(line.Fault, isFatal: true) : Refused(Replies.ResponseTooLong));
        if (line.Text == Cancel) return ("", Refused(Replies.LoginCanceled));
        return TryDecode(line.Text, out var text) ? (text, null) : ("", Refused(Replies.NotBase64));
    }

    private static bool TryDecode(string base64, [NotNullWhen(true)] out string? text)
    {
        text = null;
        var octets = new byte[base64.Length];
        // Convert passes over blanks, which no line of this exchange holds.
        if (base64.Contains(' ', StringComparison.Ordinal) || !Convert.TryFromBase64String(base64, octets, out var length) || !Utf8.IsValid(octets.AsSpan(0, length))) return false;
        text = Encoding.UTF8.GetString(octets, 0, length);
        return true;
    }

    private static AuthResult Refused(Reply fault, bool isFatal = false) => new(null, Loss.None, fault, isFatal);
}
