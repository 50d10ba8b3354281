using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MailApi.Testing;

/// <summary>The bytes of one SMTP connection. Replies leave together, when the peer has nothing more to say.</summary>
internal sealed class SinkConnection(Socket socket) : IDisposable
{
    private const int LineBytesMax = 4096;
    private const int DataBytesMax = 64 * 1024 * 1024;
    private readonly byte[] _input = new byte[64 * 1024];
    private readonly ArrayBufferWriter<byte> _output = new(512);
    private readonly ArrayBufferWriter<byte> _data = new(16 * 1024);
    private Stream _stream = new NetworkStream(socket, ownsSocket: false);
    private int _start;
    private int _end;

    public string Peer { get; } = socket.RemoteEndPoint!.ToString()!;

    public bool IsSecure => _stream is SslStream;

    /// <summary>Set by a recipient that wants its bytes read slowly: at most 512 at a time, after this pause.</summary>
    public TimeSpan ReadPause { get; set; }

    /// <summary>A command without its line end; null when the peer is gone.</summary>
    /// <exception cref="InvalidDataException">The line is too long, or ends in a bare LF.</exception>
    public async Task<string?> ReadLineAsync(CancellationToken ct)
    {
        while (true)
        {
            var length = _input.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            if (length < 0 && _end - _start > LineBytesMax) throw new InvalidDataException("500 5.5.2 line too long");
            if (length >= 0)
            {
                var line = Encoding.UTF8.GetString(_input, _start, length);
                _start += length + 1;
                return line.EndsWith('\r') ? line[..^1] : throw new InvalidDataException("500 5.5.2 bare LF");
            }
            if (!await FillAsync(ct)) return null;
        }
    }

    /// <summary>A message up to CRLF dot CRLF and nothing else, dots removed (RFC 5321 §4.5.2); null when the peer is gone before.</summary>
    public async Task<byte[]?> ReadDataAsync(CancellationToken ct)
    {
        _data.ResetWrittenCount();
        // The end of the DATA command is the CRLF before a dot on the first line.
        _data.Write("\r\n"u8);
        var searched = 0;
        while (true)
        {
            _data.Write(_input.AsSpan(_start, _end - _start));
            var dot = _data.WrittenSpan[searched..].IndexOf("\r\n.\r\n"u8);
            if (dot >= 0)
            {
                var length = searched + dot + 2;
                // What follows the dot is the next command, and the last thing that was read.
                _start = _end - (_data.WrittenCount - length - 3);
                return Unstuff(_data.WrittenSpan[..length]);
            }
            searched = Math.Max(0, _data.WrittenCount - 4);
            _start = _end;
            if (_data.WrittenCount > DataBytesMax || !await FillAsync(ct)) return null;
        }
    }

    /// <summary>Waits for the first bytes of a message, without reading on.</summary>
    public async Task AwaitDataAsync(CancellationToken ct)
    {
        if (_start == _end) await FillAsync(ct);
    }

    public void Write(ReadOnlySpan<byte> bytes) => _output.Write(bytes);

    public async Task FlushAsync(CancellationToken ct)
    {
        if (_output.WrittenCount == 0) return;
        await _stream.WriteAsync(_output.WrittenMemory, ct);
        _output.ResetWrittenCount();
    }

    /// <summary>Becomes TLS. What the peer sent in plain text before is discarded (RFC 3207 §6).</summary>
    public async Task UpgradeAsync(X509Certificate2 certificate, CancellationToken ct)
    {
        _start = _end = 0;
        var secure = new SslStream(_stream);
        await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, ct);
        _stream = secure;
    }

    /// <summary>Ends the connection with RST instead of FIN.</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        socket.Close();
    }

    public void Dispose()
    {
        _stream.Dispose();
        socket.Dispose();
    }

    private async Task<bool> FillAsync(CancellationToken ct)
    {
        await FlushAsync(ct);
        _input.AsSpan(_start, _end - _start).CopyTo(_input);
        _end -= _start;
        _start = 0;
        var room = _input.AsMemory(_end);
        if (ReadPause > TimeSpan.Zero)
        {
            await Task.Delay(ReadPause, TimeProvider.System, ct);
            room = room[..Math.Min(room.Length, 512)];
        }
        var read = await _stream.ReadAsync(room, ct);
        _end += read;
        return read > 0;
    }

    /// <summary>Removes the first dot of every line that begins with one, and the CRLF that was put in front.</summary>
    private static byte[] Unstuff(ReadOnlySpan<byte> stuffed)
    {
        var plain = new byte[stuffed.Length];
        var length = 0;
        while (stuffed.IndexOf("\r\n."u8) is >= 0 and var at)
        {
            stuffed[..(at + 2)].CopyTo(plain.AsSpan(length));
            length += at + 2;
            stuffed = stuffed[(at + 3)..];
        }
        stuffed.CopyTo(plain.AsSpan(length));
        return plain[2..(length + stuffed.Length)];
    }
}
