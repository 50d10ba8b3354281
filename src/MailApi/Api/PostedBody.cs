using System.IO.Pipelines;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace MailApi.Api;

/// <summary>The octets that a caller posts, held until it is answered: a message (<c>/send</c>, <c>/diagnose/send</c>), or what came back (<c>/receive</c>, reports).</summary>
internal sealed class PostedBody : IDisposable
{
    private const int BlockBytes = 16 * 1024;

    /// <summary>So fast a body has to come over HTTP/1.1, else its connection is closed.</summary>
    private const double BytesPerSecondMin = 240;

    /// <summary>The same, of one of which more than <see cref="BodyMemory.FreeOctets"/> may come: what is reserved for it is nobody else's meanwhile.</summary>
    private const double LargeBytesPerSecondMin = 16 * 1024;

    /// <summary>Before that counts; up to three times as long, so that thousands that begin at once are not cut at once.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly BodyMemory memory;
    private readonly TenantId tenant;
    private readonly long octetsMax;
    private byte[] buffer;
    private int length;
    private long reserved;
    private IDisposable? place;

    private PostedBody(BodyMemory memory, TenantId tenant, long octetsMax, long? declared)
    {
        (this.memory, this.tenant, this.octetsMax) = (memory, tenant, octetsMax);
        // No more than a block: a length that is declared costs its sender nothing.
        buffer = new byte[Math.Min(declared ?? BlockBytes, BlockBytes)];
    }

    public ReadOnlyMemory<byte> Octets => buffer.AsMemory(0, length);

    /// <summary>Reads a message whole as <see cref="Read"/> does, and waits for a place to compose it in where it is large.</summary>
    public static async Task<(PostedBody? Body, IResult? Problem)> ReadMessage(HttpContext context, TenantId tenant, BodyMemory memory, long octetsMax, CancellationToken ct)
    {
        if (!context.Request.HasJsonContentType()) return (null, Problem.UnsupportedMediaType.With("Send Content-Type: application/json."));
        var (body, problem) = await Read(context, tenant, memory, octetsMax, ct);
        if (body is not { reserved: > 0 }) return (body, problem);
        try
        {
            body.place = await memory.Compose(ct);
            return (body, null);
        }
        finally
        {
            if (body.place is null) body.Dispose();
        }
    }

    /// <summary>Reads the body whole, or throws it away as it comes and says why.</summary>
    public static async Task<(PostedBody? Body, ProblemHttpResult? Problem)> Read(HttpContext context, TenantId tenant, BodyMemory memory, long octetsMax, CancellationToken ct)
    {
        var request = context.Request;
        if (request.ContentLength > octetsMax) return (null, TooLarge(octetsMax));
        MustComeFast(context, request.ContentLength is null or > BodyMemory.FreeOctets ? LargeBytesPerSecondMin : BytesPerSecondMin);
        var body = new PostedBody(memory, tenant, octetsMax, request.ContentLength);
        ProblemHttpResult? problem = null;
        var isRead = false;
        try
        {
            problem = await body.Fill(request.BodyReader, request.ContentLength, ct);
            isRead = problem is null;
        }
        catch (BadHttpRequestException e)
        {
            // Not left to the exception handler: thousands that are cut at once would throw through every layer between.
            problem = e.StatusCode == StatusCodes.Status413PayloadTooLarge ? TooLarge(octetsMax) : Problem.BadRequest.With(e.Message);
        }
        finally
        {
            if (!isRead) body.Dispose();
        }
        if (problem?.StatusCode == StatusCodes.Status503ServiceUnavailable) context.Response.Headers.RetryAfter = "5";
        return problem is null ? (body, null) : (null, problem);
    }

    /// <summary>The next large body may be composed: what is left to do waits for others.</summary>
    public void Composed()
    {
        place?.Dispose();
        place = null;
    }

    public void Dispose()
    {
        Composed();
        buffer = [];
        memory.Release(tenant, reserved);
        reserved = 0;
    }

    /// <summary>Over HTTP/2 Kestrel takes no other rate for a request than the server's.</summary>
    private static void MustComeFast(HttpContext context, double bytesPerSecond)
    {
        if (HttpProtocol.IsHttp2(context.Request.Protocol) || context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is not { } rate) return;
        rate.MinDataRate = new Microsoft.AspNetCore.Server.Kestrel.Core.MinDataRate(bytesPerSecond, Grace + TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(2 * (int)Grace.TotalMilliseconds)));
    }

    /// <summary>A body in chunks does not tell its length. Of one that is refused the rest is read all the same, so that its sender gets the answer and not a closed connection.</summary>
    private async Task<ProblemHttpResult?> Fill(PipeReader body, long? declared, CancellationToken ct)
    {
        ProblemHttpResult? problem = null;
        while (true)
        {
            var read = await body.ReadAsync(ct);
            foreach (var block in read.Buffer)
            {
                problem ??= Append(block.Span, declared);
                if (problem is not null) Dispose();
            }
            body.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) return problem;
        }
    }

    private ProblemHttpResult? Append(ReadOnlySpan<byte> octets, long? declared)
    {
        if (length + octets.Length > octetsMax) return TooLarge(octetsMax);
        if (length + octets.Length > buffer.Length)
        {
            var needed = length + octets.Length;
            // A declared length is believed once more has come than is free.
            var size = Math.Max(needed, Math.Min(declared ?? 2L * buffer.Length, needed > BodyMemory.FreeOctets ? octetsMax : 2L * buffer.Length));
            var more = Math.Max(0, size - BodyMemory.FreeOctets) - reserved;
            if (more > 0 && !memory.TryReserve(tenant, more)) return Problem.Busy.With("Too many large messages arrive at this moment; send it again in a few seconds.");
            reserved += Math.Max(0, more);
            Array.Resize(ref buffer, (int)size);
        }
        octets.CopyTo(buffer.AsSpan(length));
        length += octets.Length;
        return null;
    }

    private static ProblemHttpResult TooLarge(long octetsMax) => Problem.TooLarge.With($"The body may have at most {octetsMax} octets.");
}
