using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests;

/// <summary>
/// Programs that send one order after the other, each with its own recipient and Idempotency-Key and again until it is taken, over whichever of the processes answers. What was acknowledged is what
/// must arrive.
/// </summary>
internal sealed class SteadyLoad : IAsyncDisposable
{
    private static readonly TimeSpan OrderPatience = TimeSpan.FromMinutes(2);

    private readonly Shop shop;
    private readonly HttpClient[] processes;
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentDictionary<string, string> acknowledged = new();
    private readonly Task[] senders;
    private int unanswered;
    private int unavailable;

    private SteadyLoad(Shop shop, HttpClient[] processes, int count)
    {
        (this.shop, this.processes) = (shop, processes);
        senders = [.. Enumerable.Range(0, count).Select(sender => Task.Run(() => SendOnAndOn(sender)))];
    }

    /// <summary>Message ids by recipient.</summary>
    public IReadOnlyDictionary<string, string> Acknowledged => acknowledged;

    /// <summary>Requests that were refused because the store was away, or full.</summary>
    public int Unavailable => Volatile.Read(ref unavailable);

    /// <summary>Requests that broke: the process was away.</summary>
    public int Unanswered => Volatile.Read(ref unanswered);

    /// <param name="shop">Who sends.</param>
    /// <param name="others">Processes besides the shop's own, with its key.</param>
    public static SteadyLoad Start(Shop shop, params IEnumerable<MailApiProcess> others) =>
        new(shop, [shop.Live, .. others.Select(process => process.WithKey(shop.Live.DefaultRequestHeaders.Authorization!.Parameter!))], count: 8);

    /// <summary>Waits until so many more orders are acknowledged.</summary>
    public Task Acknowledges(int more)
    {
        var goal = acknowledged.Count + more;
        return Eventually.HoldsAsync(
            () => acknowledged.Count >= goal || senders.Any(sender => sender.IsFaulted), OrderPatience, $"{more} more orders are acknowledged\n{shop.World.Api.Output}", CancellationToken.None);
    }

    /// <summary>The orders that are on their way are still taken.</summary>
    public async Task Stop()
    {
        await stop.CancelAsync();
        await Task.WhenAll(senders);
    }

    /// <summary>Every acknowledged order is there, is delivered, and came once; or more often, where its envelope says that this is possible.</summary>
    public async Task<int> AllArrived()
    {
        var copies = new Dictionary<string, int>();
        var recipients = new Dictionary<string, JsonElement>();
        await Eventually.HoldsAsync(
            async () => (recipients = await Recipients()).Values.All(it => it.GetProperty("state").GetString() == "delivered") && acknowledged.Keys.All(recipients.ContainsKey),
            OrderPatience, $"all {acknowledged.Count} are delivered\n{shop.World.Api.Output}", CancellationToken.None);
        foreach (var message in shop.World.Sink.Messages) copies[message.Recipient] = copies.GetValueOrDefault(message.Recipient) + 1;
        Assert.All(acknowledged.Keys, recipient => Assert.True(copies.ContainsKey(recipient), $"{recipient} has nothing"));
        Assert.All(recipients, it => Assert.True(copies.GetValueOrDefault(it.Key) <= (it.Value.GetProperty("duplicatePossible").GetBoolean() ? 2 : 1), $"{it.Key}: {copies.GetValueOrDefault(it.Key)} copies, {it.Value}"));
        return copies.Values.Count(count => count > 1);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAny(Task.WhenAll(senders));
        stop.Dispose();
        foreach (var process in processes.Skip(1)) process.Dispose();
    }

    /// <summary>The recipients of all messages that the service knows.</summary>
    public async Task<Dictionary<string, JsonElement>> Recipients()
    {
        var found = new Dictionary<string, JsonElement>();
        var cursor = "";
        do
        {
            var page = await World.Json(await shop.Live.GetAsync($"/messages?limit=200{cursor}"));
            foreach (var recipient in page.GetProperty("items").EnumerateArray().SelectMany(message => message.GetProperty("recipients").EnumerateArray()))
                found.Add(recipient.GetProperty("address").GetString()!, recipient);
            cursor = page.TryGetProperty("next", out var next) && next.GetString() is { } text ? $"&cursor={text}" : "";
        }
        while (cursor.Length > 0);
        return found;
    }

    private async Task SendOnAndOn(int sender)
    {
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            var recipient = string.Create(CultureInfo.InvariantCulture, $"s{sender}-{number}@example.net");
            var tries = sender;
            await Eventually.HoldsAsync(() => TrySend(recipient, processes[tries++ % processes.Length]), OrderPatience, $"the order to {recipient} is taken\n{shop.World.Api.Output}", CancellationToken.None);
        }
    }

    private async Task<bool> TrySend(string recipient, HttpClient process)
    {
        try
        {
            using var response = await shop.Post(shop.Mail(recipient), recipient, process);
            if (response.StatusCode == HttpStatusCode.ServiceUnavailable)
            {
                Interlocked.Increment(ref unavailable);
                return false;
            }
            acknowledged[recipient] = (await World.Json(response)).GetProperty("id").GetString()!;
            return true;
        }
        catch (HttpRequestException)
        {
            Interlocked.Increment(ref unanswered);
            return false;
        }
    }
}
