using System.Text;
using System.Text.RegularExpressions;

namespace MailApi.Testing;

/// <summary>One connection to the sink, and the protocol that it speaks.</summary>
public sealed partial class SinkSession
{
    private const int TranscriptLinesMax = 10_000;
    private readonly ScriptedSink _sink;
    private readonly SinkOptions _options;
    private readonly SinkTls _tls;
    private readonly SinkConnection _connection;
    private readonly List<string> _transcript = [];
    private SinkTransaction? _mail;
    private bool _closing;
    private bool _authenticated;
    private TimeSpan _replyDelay;

    internal SinkSession(ScriptedSink sink, SinkConnection connection)
    {
        _sink = sink;
        _options = sink.Options;
        _tls = sink.Tls;
        _connection = connection;
    }

    /// <summary>The address and port that the client came from.</summary>
    public string Peer => _connection.Peer;

    /// <summary>The argument of EHLO or HELO.</summary>
    public string Helo { get; private set; } = "";

    public bool IsSecure { get; private set; }

    /// <summary>The user that AUTH has admitted.</summary>
    public string? User { get; private set; }

    /// <summary>Messages accepted on this connection.</summary>
    public int Messages { get; private set; }

    /// <summary>What was said: <c>C: …</c> and <c>S: …</c>, the message itself as its size.</summary>
    public IReadOnlyList<string> Transcript
    {
        get
        {
            lock (_transcript) return [.. _transcript];
        }
    }

    internal async Task RunAsync(CancellationToken ct)
    {
        if (_tls == SinkTls.Implicit) await SecureAsync(ct);
        await GreetAsync(ct);
        while (!_closing)
        {
            string? line;
            try
            {
                line = await _connection.ReadLineAsync(ct);
            }
            catch (InvalidDataException e)
            {
                await ReplyAsync(e.Message, ct);
                break;
            }
            if (line is null) return;
            await _sink.WhileRunningAsync(ct);
            Note("C: ", line);
            await AnswerAsync(line, ct);
        }
        await _connection.FlushAsync(ct);
    }

    private async Task GreetAsync(CancellationToken ct)
    {
        await _sink.WhileRunningAsync(ct);
        var greeting = _sink.IsCrowded ? "421 4.7.0 too many connections" : _options.Greeting ?? $"220 {_options.HostName} ESMTP";
        _closing = greeting[0] != '2';
        await ReplyAsync(greeting, ct);
    }

    private Task AnswerAsync(string line, CancellationToken ct)
    {
        var blank = line.IndexOf(' ');
        var verb = (blank < 0 ? line : line[..blank]).ToUpperInvariant();
        var argument = blank < 0 ? "" : line[(blank + 1)..].Trim();
        return verb switch
        {
            "EHLO" => EhloAsync(argument, ct),
            "HELO" => HeloAsync(argument, ct),
            "STARTTLS" => StartTlsAsync(ct),
            "AUTH" => AuthAsync(argument, ct),
            "MAIL" => MailAsync(argument, ct),
            "RCPT" => RecipientAsync(argument, ct),
            "DATA" => DataAsync(ct),
            "RSET" => ForgetAsync("250 2.0.0 forgotten", ct),
            "NOOP" => ReplyAsync("250 2.0.0 ok", ct),
            "QUIT" => QuitAsync(ct),
            _ => ReplyAsync("502 5.5.1 command not known here", ct),
        };
    }

    private Task EhloAsync(string name, CancellationToken ct)
    {
        Helo = name;
        _mail = null;
        List<string> lines = [_options.HostName, "ENHANCEDSTATUSCODES"];
        if (_options.OfferPipelining) lines.Add("PIPELINING");
        if (_options.OfferEightBitMime) lines.Add("8BITMIME");
        if (_options.OfferSmtpUtf8) lines.Add("SMTPUTF8");
        if (_options.OfferRequireTls && IsSecure) lines.Add("REQUIRETLS");
        if (_options.SizeBytesMax is { } size) lines.Add($"SIZE {size}");
        if (_options.RequireAuth is not null) lines.Add("AUTH PLAIN LOGIN");
        if (_options.RequireToken is not null) lines.Add("AUTH XOAUTH2 OAUTHBEARER");
        if (_tls == SinkTls.Stripped) lines.Add("XXXXXXXX");
        if (OffersStartTls) lines.Add("STARTTLS");
        return ReplyAsync(string.Join("\r\n", lines.Select((text, i) => i < lines.Count - 1 ? $"250-{text}" : $"250 {text}")), ct);
    }

    private Task HeloAsync(string name, CancellationToken ct)
    {
        Helo = name;
        return ForgetAsync($"250 {_options.HostName}", ct);
    }

    private bool OffersStartTls => _tls is SinkTls.StartTls or SinkTls.Broken or SinkTls.Injecting && !IsSecure;

    private async Task StartTlsAsync(CancellationToken ct)
    {
        if (!OffersStartTls)
        {
            await ReplyAsync("502 5.5.1 command not known here", ct);
            return;
        }
        await ReplyAsync("220 2.0.0 go ahead", ct);
        if (_tls == SinkTls.Injecting) await ReplyAsync("250-injected.test\r\n250 AUTH PLAIN\r\n250 2.1.0 injected", ct);
        if (_tls == SinkTls.Broken)
        {
            _connection.Write("this is no TLS\r\n"u8);
            _closing = true;
            return;
        }
        await _connection.FlushAsync(ct);
        await SecureAsync(ct);
        (Helo, _mail) = ("", null);
    }

    private async Task SecureAsync(CancellationToken ct)
    {
        await _connection.UpgradeAsync(_sink.Certificate, ct);
        IsSecure = true;
    }

    private async Task AuthAsync(string argument, CancellationToken ct)
    {
        var words = argument.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (_options.RequireToken is { } accepts && words is [_, var bearer])
        {
            await AuthByTokenAsync(accepts, Decoded(bearer), ct);
            return;
        }
        var (user, password) = words is [var mechanism, ..] && mechanism.Equals("PLAIN", StringComparison.OrdinalIgnoreCase)
            ? Plain(words.Length > 1 ? words[1] : await AskAsync("", ct))
            : (Decoded(words.Length > 1 ? words[1] : await AskAsync("VXNlcm5hbWU6", ct)), Decoded(await AskAsync("UGFzc3dvcmQ6", ct)));
        _authenticated = _options.RequireAuth is { } required && required == new SinkCredentials(user, password);
        if (_authenticated) User = user;
        await ReplyAsync(_authenticated ? "235 2.7.0 welcome" : "535 5.7.8 wrong user or password", ct);
    }

    /// <summary>XOAUTH2: <c>user=…^Aauth=Bearer …^A^A</c>; RFC 7628: <c>n,a=…,^Ahost=…^Aport=…^Aauth=Bearer …^A^A</c>. An error is told in a challenge before it is refused.</summary>
    private async Task AuthByTokenAsync(Func<string, string, bool> accepts, string response, CancellationToken ct)
    {
        var match = Bearer().Match(response);
        _authenticated = match.Success && accepts(match.Groups["user"].Value, match.Groups["token"].Value);
        if (_authenticated) User = match.Groups["user"].Value;
        else await AskAsync(Convert.ToBase64String("{\"status\":\"401\",\"schemes\":\"bearer\"}"u8), ct);
        await ReplyAsync(_authenticated ? "235 2.7.0 welcome" : "535 5.7.8 the token is not accepted", ct);
    }

    private async Task<string> AskAsync(string challenge, CancellationToken ct)
    {
        await ReplyAsync($"334 {challenge}", ct);
        return await _connection.ReadLineAsync(ct) ?? "";
    }

    private static string Decoded(string base64)
    {
        var bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out var length) ? Encoding.UTF8.GetString(bytes, 0, length) : "";
    }

    /// <summary>RFC 4616: identity NUL user NUL password.</summary>
    private static (string User, string Password) Plain(string base64) => Decoded(base64).Split('\0') is [_, var user, var password] ? (user, password) : ("", "");

    private Task MailAsync(string argument, CancellationToken ct)
    {
        var match = Path().Match(argument);
        if (!match.Success || !argument.StartsWith("FROM:", StringComparison.OrdinalIgnoreCase)) return ReplyAsync("501 5.5.4 MAIL FROM:<path>", ct);
        if (Helo.Length == 0) return ReplyAsync("503 5.5.1 EHLO first", ct);
        if (_mail is not null) return ReplyAsync("503 5.5.1 one transaction at a time", ct);
        if ((_options.RequireAuth is not null || _options.RequireToken is not null) && !_authenticated) return ReplyAsync("530 5.7.0 authentication required", ct);
        var parameters = match.Groups["parameters"].Value;
        if (_options.SizeBytesMax is { } most && DeclaredSize().Match(parameters) is { Success: true } declared
            && (!long.TryParse(declared.Groups[1].ValueSpan, out var size) || size > most)) return ReplyAsync("552 5.3.4 message too big", ct);
        _mail = new SinkTransaction(match.Groups["address"].Value, parameters);
        return ReplyAsync("250 2.1.0 ok", ct);
    }

    private async Task RecipientAsync(string argument, CancellationToken ct)
    {
        var match = Path().Match(argument);
        if (_mail is null || !match.Success || !argument.StartsWith("TO:", StringComparison.OrdinalIgnoreCase))
        {
            await ReplyAsync(_mail is null ? "503 5.5.1 MAIL first" : "501 5.5.4 RCPT TO:<path>", ct);
            return;
        }
        var recipient = match.Groups["address"].Value;
        var script = _sink.ScriptFor(recipient);
        switch (script?.Fault)
        {
            case SinkFault.Refuse:
                await ReplyAsync(script.Reply, ct);
                return;
            case SinkFault.Close:
                _closing = true;
                await ReplyAsync(script.Reply, ct);
                return;
            case SinkFault.Garbage:
                _closing = true;
                _connection.Write("\0\x16 no reply at all \r\n\r\n25\r\n"u8);
                Note("S: ", "(garbage)");
                return;
            case SinkFault.HalfOpen:
                await _connection.FlushAsync(ct);
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
                return;
            case SinkFault.Tarpit:
                _replyDelay = _options.TarpitDelay;
                break;
            case SinkFault.SlowRead:
                _connection.ReadPause = TimeSpan.FromMilliseconds(20);
                break;
        }
        _mail.Recipients.Add(recipient);
        _mail.Script ??= script;
        await ReplyAsync("250 2.1.5 ok", ct);
    }

    private async Task DataAsync(CancellationToken ct)
    {
        if (_mail is not { Recipients.Count: > 0 })
        {
            await ReplyAsync(_mail is null ? "503 5.5.1 MAIL first" : "554 5.5.1 no valid recipients", ct);
            return;
        }
        if (_mail.Script?.Fault == SinkFault.HoldData)
        {
            await _connection.FlushAsync(ct);
            await _sink.HoldAsync(ct);
        }
        await ReplyAsync("354 end with a dot", ct);
        if (_mail.Script?.Fault == SinkFault.ResetBeforeDot)
        {
            await _connection.AwaitDataAsync(ct);
            Reset();
            return;
        }
        if (await _connection.ReadDataAsync(ct) is not { } bytes)
        {
            _closing = true;
            return;
        }
        Note("C: ", $"({bytes.Length} bytes of message)");
        await _sink.WhileRunningAsync(ct);
        var (mail, script) = (_mail, _mail.Script);
        (_mail, _connection.ReadPause) = (null, TimeSpan.Zero);
        await AcceptAsync(mail, script, bytes, ct);
    }

    private async Task AcceptAsync(SinkTransaction mail, SinkScript? script, byte[] bytes, CancellationToken ct)
    {
        if (script?.Fault == SinkFault.RefuseAfterDot || bytes.Length > _options.SizeBytesMax)
        {
            await ReplyAsync(script?.Fault == SinkFault.RefuseAfterDot ? script.Reply : "552 5.3.4 message too big", ct);
            return;
        }
        if (script?.Fault != SinkFault.ResetAfterDotDropped)
        {
            await _sink.KeepAsync(mail, bytes, this);
            Messages++;
        }
        switch (script?.Fault)
        {
            case SinkFault.ResetAfterDotKept or SinkFault.ResetAfterDotDropped:
                Reset();
                return;
            case SinkFault.LostReply:
                _closing = true;
                Note("S: ", "(closed without a reply)");
                return;
            case SinkFault.HoldDot:
                await _sink.HoldAsync(ct);
                break;
        }
        await ReplyAsync("250 2.0.0 kept", ct);
        _replyDelay = TimeSpan.Zero;
    }

    private Task ForgetAsync(string reply, CancellationToken ct)
    {
        _mail = null;
        return ReplyAsync(reply, ct);
    }

    private Task QuitAsync(CancellationToken ct)
    {
        _closing = true;
        return ReplyAsync("221 2.0.0 bye", ct);
    }

    private void Reset()
    {
        _closing = true;
        Note("S: ", "(reset)");
        _connection.Reset();
    }

    private async Task ReplyAsync(string reply, CancellationToken ct)
    {
        if (_replyDelay > TimeSpan.Zero)
        {
            await _connection.FlushAsync(ct);
            await Task.Delay(_replyDelay, TimeProvider.System, ct);
        }
        Note("S: ", reply);
        _connection.Write(Encoding.UTF8.GetBytes(reply + "\r\n"));
    }

    private void Note(string side, string line)
    {
        if (!_options.KeepContent) return;
        lock (_transcript)
        {
            if (_transcript.Count < TranscriptLinesMax) _transcript.Add(side + line);
        }
    }

    [GeneratedRegex(@"^\w+: ?<(?<address>(""(\\.|[^""\\])*""|[^<>""])*)>\s*(?<parameters>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Path();

    [GeneratedRegex(@"^(user=|n,a=)(?<user>[^,\x01]*),?\x01(.*\x01)?auth=Bearer (?<token>[^\x01]+)\x01\x01$", RegexOptions.ExplicitCapture)]
    private static partial Regex Bearer();

    [GeneratedRegex(@"\bSIZE=(\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex DeclaredSize();
}
