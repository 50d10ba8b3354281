using MailApi.Api;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Reports;

/// <summary>Reads the bodies that reports from anyone come in, and no more of them than a report has.</summary>
internal sealed class ReportBodies(TimeProvider time)
{
    /// <summary>From anyone. TLS reports are a few kilobytes; those of the largest receivers are some hundred.</summary>
    public const int PostedOctetsMax = 1024 * 1024;

    /// <summary>How many times the bound a body may have to be read and thrown away, so that its sender gets the answer and not a closed connection.</summary>
    public const int Drained = 2;

    /// <summary>At once, from anyone; the next ones are asked to come later, as RFC 8460 §5.4 has them do.</summary>
    private const int PostsMax = 64;

    /// <summary>A megabyte takes less from the slowest of networks.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private const int BlockBytes = 16 * 1024;
    private int posts;

    /// <summary>From whoever knows an address: its place is taken until the report is, too.</summary>
    public async Task<(ReportTaking? Taking, ProblemHttpResult? Refusal)> Posted(HttpRequest request, Func<byte[], CancellationToken, Task<ReportTaking>> take, CancellationToken ct)
    {
        try
        {
            if (Interlocked.Increment(ref posts) > PostsMax) return (null, Problem.Busy.With("Too many reports are posted at this moment; post it again later."));
            var (octets, refusal) = await InTime(request, ct);
            return refusal is null ? (await take(octets, ct), null) : (null, refusal);
        }
        finally
        {
            Interlocked.Decrement(ref posts);
        }
    }

    private async Task<(byte[] Octets, ProblemHttpResult? Refusal)> InTime(HttpRequest request, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        try
        {
            return await Read(request, PostedOctetsMax, both.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return ([], Problem.BadRequest.With($"The body did not come within {Patience.TotalSeconds:0} seconds."));
        }
    }

    private static async Task<(byte[] Octets, ProblemHttpResult? Refusal)> Read(HttpRequest request, int octetsMax, CancellationToken ct)
    {
        using var octets = new MemoryStream((int)Math.Min(request.ContentLength ?? 0, BlockBytes));
        var block = new byte[BlockBytes];
        try
        {
            var fits = true;
            while (await request.Body.ReadAsync(block, ct) is > 0 and var read)
            {
                fits = fits && octets.Length + read <= octetsMax;
                if (fits) octets.Write(block, 0, read);
            }
            if (!fits) return ([], TooLarge(octetsMax));
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return ([], TooLarge(octetsMax));
        }
        return (octets.Length == octets.Capacity ? octets.GetBuffer() : octets.ToArray(), null);
    }

    private static ProblemHttpResult TooLarge(int octetsMax) => Problem.TooLarge.With($"A report may have at most {octetsMax} octets here.");
}
