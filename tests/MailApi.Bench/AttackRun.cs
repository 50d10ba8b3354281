using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailApi.Bench;

/// <summary>Clients that are slow, many or large, until the process is ended. All of them together send no more than a line of 1 Gbit/s carries.</summary>
internal static class AttackRun
{
    /// <summary>Printed when every one of them has begun.</summary>
    public const string Begun = "All have begun.";

    private const int Clients = 1000;
    private const int LargeAtOnce = 100;
    private const int LineOctetsPerSecond = 125_000_000;
    private const int BlockOctets = 64 * 1024;

    /// <summary>Fewer than <c>Receive__ConnectionsPerAddressMax</c>.</summary>
    private const int ClientsPerAddress = 40;

    /// <summary>Made when one is asked for: some hold megabytes.</summary>
    private static readonly Dictionary<string, Func<Attack>> Attacks = new()
    {
        ["slow SMTP"] = () => new(Clients, "EHLO slow.test\r\n", "N", TimeSpan.FromSeconds(1)) { IsAtPort25 = true },
        ["slow headers"] = () => new(Clients, "GET /messages HTTP/1.1\r\nHost: a\r\nX: ", "x", TimeSpan.FromSeconds(1)),
        ["slow bodies"] = () => new(Clients, Post(40 << 20) + "{", " ", TimeSpan.FromSeconds(1)),
        ["header flood"] = () => new(4, "GET /messages HTTP/1.1\r\nHost: a\r\n", string.Concat(Enumerable.Repeat($"X: {new string('x', 200)}\r\n", 100)), TimeSpan.Zero),
        ["wrong keys"] = () => new(4, "", "GET /messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer mk_live_wrong\r\n\r\n", TimeSpan.FromMilliseconds(1)),
        ["a million deep"] = () => new(1, "", Whole(new string('[', 1_000_000)), TimeSpan.Zero),
        ["a million keys"] = () => new(1, "", Whole($"{{\"metadata\":{{{string.Join(',', Enumerable.Range(0, 1_000_000).Select(key => $"\"{key}\":\"\""))}}}}}"), TimeSpan.Zero),
        ["compressed bodies"] = () => new(4, "", Whole(Packed(), "Content-Encoding: gzip\r\n"), TimeSpan.Zero),
        ["large bodies"] = () => new(LargeAtOnce, "", Whole($$"""{"text":"{{new string('x', 25 << 20)}}"}"""), TimeSpan.Zero),
    };

    public static IEnumerable<string> Names => Attacks.Keys;

    /// <summary>The others are at the API.</summary>
    public static bool IsAtPort25(string name) => Attacks[name]().IsAtPort25;

    public static async Task<int> Run(Arguments arguments)
    {
        if (!Attacks.TryGetValue(arguments.Text("target", ""), out var make)) throw new ArgumentException($"--target is one of {string.Join(", ", Names)}.");
        var attack = make();
        var service = new IPEndPoint(IPAddress.Loopback, arguments.Number("port", 8080));
        var line = new Line();
        using var beginning = new CountdownEvent(attack.Clients);
        var clients = Enumerable.Range(0, attack.Clients).Select(number => Task.Run(() => Attend(attack, number, service, line, beginning))).ToList();
        beginning.Wait();
        Console.WriteLine(Begun);
        await Task.WhenAll(clients);
        return 0;
    }

    private static string Post(int length, string fields = "") =>
        $"POST /send HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {Environment.GetEnvironmentVariable("MAILAPI_KEY")}\r\nContent-Type: application/json\r\n{fields}Content-Length: {length.ToString(CultureInfo.InvariantCulture)}\r\n\r\n";

    private static string Whole(string body, string fields = "") => Post(body.Length, fields) + body;

    /// <summary>A hundred megabytes of blanks.</summary>
    private static string Packed()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize)) gzip.Write(Encoding.ASCII.GetBytes(new string(' ', 100 << 20)));
        return Encoding.Latin1.GetString(packed.ToArray());
    }

    /// <summary>A connection begins a request and goes on with it; one that was cut, which is what the bounds are for, is made anew.</summary>
    private static async Task Attend(Attack attack, int number, IPEndPoint service, Line line, CountdownEvent beginning)
    {
        var answer = new byte[BlockOctets];
        var begun = false;
        while (true)
        {
            try
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                if (attack.IsAtPort25) socket.Bind(new IPEndPoint(new IPAddress([127, 0, 1, (byte)(number / ClientsPerAddress)]), 0));
                await socket.ConnectAsync(service);
                // One that is not let in has not begun.
                if (attack.IsAtPort25 && !(await socket.ReceiveAsync(answer) > 3 && answer.AsSpan().StartsWith("220"u8))) continue;
                await Send(socket, attack.Beginning);
                if (!begun) beginning.Signal();
                begun = true;
                // Each in a time of its own.
                await Task.Delay(attack.Pause * Random.Shared.NextDouble(), TimeProvider.System);
                do
                {
                    await Task.Delay(attack.Pause, TimeProvider.System);
                    await Send(socket, attack.More);
                }
                while (!socket.Poll(0, SelectMode.SelectRead) || await socket.ReceiveAsync(answer) > 0);
            }
            catch (SocketException)
            {
                // Cut: once more.
            }
        }

        async Task Send(Socket socket, ReadOnlyMemory<byte> octets)
        {
            for (; octets.Length > 0; octets = octets[Math.Min(BlockOctets, octets.Length)..])
            {
                var block = octets[..Math.Min(BlockOctets, octets.Length)];
                await line.Pass(block.Length);
                await socket.SendAsync(block);
            }
        }
    }

    private sealed class Attack(int clients, string beginning, string more, TimeSpan pause)
    {
        public int Clients => clients;
        public bool IsAtPort25 { get; init; }
        public ReadOnlyMemory<byte> Beginning { get; } = Encoding.Latin1.GetBytes(beginning);

        /// <summary>Sent again and again.</summary>
        public ReadOnlyMemory<byte> More { get; } = Encoding.Latin1.GetBytes(more);

        /// <summary>Before each time.</summary>
        public TimeSpan Pause => pause;
    }

    /// <summary>Shared by all: each waits for those before it.</summary>
    private sealed class Line
    {
        private readonly Lock gate = new();
        private readonly long start = TimeProvider.System.GetTimestamp();
        private TimeSpan free;

        public async Task Pass(int octets)
        {
            TimeSpan early;
            lock (gate)
            {
                var now = TimeProvider.System.GetElapsedTime(start);
                free = (free > now ? free : now) + TimeSpan.FromSeconds(octets / (double)LineOctetsPerSecond);
                early = free - now;
            }
            if (early.TotalMilliseconds >= 1) await Task.Delay(early, TimeProvider.System);
        }
    }
}
