using System.Buffers;
using MailApi.Api;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace MailApi.Sending;

/// <summary>The octets of a message that a caller posts (<c>/send</c>, <c>/diagnose/send</c>), held until it is answered.</summary>
internal sealed class SendBody : IDisposable
{
    private const int BlockBytes = 64 * 1024;

    /// <summary>A body of which more than <see cref="BodyMemory.FreeOctets"/> may come has to come so fast over HTTP/1.1, else its connection is closed.</summary>
    private const double LargeBytesPerSecondMin = 16 * 1024;

    private static readonly TimeSpan LargeGrace = TimeSpan.FromSeconds(10);
    private readonly BodyMemory memory;
    private readonly TenantId tenant;
    private byte[] buffer;
    private int length;
    private long reserved;
    private IDisposable? place;

    private SendBody(BodyMemory memory, TenantId tenant, long? declared)
    {
        (this.memory, this.tenant) = (memory, tenant);
        // No more than is free: a length that is declared costs its sender nothing.
        buffer = new byte[Math.Min(declared ?? BlockBytes, BodyMemory.FreeOctets)];
    }

    public ReadOnlyMemory<byte> Octets => buffer.AsMemory(0, length);

    /// <summary>Reads the body whole, or throws it away as it comes and says why.</summary>
    public static async Task<(SendBody? Body, IResult? Problem)> Read(HttpContext context, Caller caller, BodyMemory memory, CancellationToken ct)
    {
        var request = context.Request;
        if (!request.HasJsonContentType()) return (null, Problem.UnsupportedMediaType.With("Send Content-Type: application/json."));
        if (request.ContentLength > SendLimits.BodyBytesMax) return (null, TooLarge());
        if (request.ContentLength is null or > BodyMemory.FreeOctets) MustComeFast(context);
        var body = new SendBody(memory, caller.Tenant, request.ContentLength);
        ProblemHttpResult? problem = null;
        try
        {
            problem = await body.Fill(request.Body, request.ContentLength, ct);
            if (problem is null && body.reserved > 0) body.place = await memory.Compose(ct);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            problem = TooLarge();
        }
        finally
        {
            if (problem is not null || (body.reserved > 0 && body.place is null)) body.Dispose();
        }
        if (problem is IStatusCodeHttpResult { StatusCode: StatusCodes.Status503ServiceUnavailable }) context.Response.Headers.RetryAfter = "5";
        return problem is null ? (body, null) : (null, problem);
    }

    public void Dispose()
    {
        place?.Dispose();
        place = null;
        buffer = [];
        memory.Release(tenant, reserved);
        reserved = 0;
    }

    /// <summary>What is reserved for a large body is nobody else's meanwhile. Over HTTP/2 Kestrel takes no other rate for a request than the server's.</summary>
    private static void MustComeFast(HttpContext context)
    {
        if (HttpProtocol.IsHttp2(context.Request.Protocol) || context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is not { } rate) return;
        rate.MinDataRate = new Microsoft.AspNetCore.Server.Kestrel.Core.MinDataRate(LargeBytesPerSecondMin, LargeGrace);
    }

    /// <summary>A body in chunks does not tell its length. Of one that is refused the rest is read all the same, so that its sender gets the answer and not a closed connection.</summary>
    private async Task<ProblemHttpResult?> Fill(Stream body, long? declared, CancellationToken ct)
    {
        ProblemHttpResult? problem = null;
        var block = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            while (await body.ReadAsync(block, ct) is > 0 and var read)
            {
                problem ??= Append(block.AsSpan(0, read), declared);
                if (problem is not null) Dispose();
            }
            return problem;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private ProblemHttpResult? Append(ReadOnlySpan<byte> octets, long? declared)
    {
        if (length + octets.Length > SendLimits.BodyBytesMax) return TooLarge();
        if (length + octets.Length > buffer.Length)
        {
            var size = Math.Max(declared ?? Math.Min(2L * buffer.Length, SendLimits.BodyBytesMax), length + octets.Length);
            var more = Math.Max(0, size - BodyMemory.FreeOctets) - reserved;
            if (more > 0 && !memory.TryReserve(tenant, more)) return Problem.Busy.With("Too many large messages arrive at this moment; send it again in a few seconds.");
            reserved += Math.Max(0, more);
            Array.Resize(ref buffer, (int)size);
        }
        octets.CopyTo(buffer.AsSpan(length));
        length += octets.Length;
        return null;
    }

    private static ProblemHttpResult TooLarge() => Problem.TooLarge.With($"The body may have at most {SendLimits.BodyBytesMax} octets.");
}
