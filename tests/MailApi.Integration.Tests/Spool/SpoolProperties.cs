using CsCheck;
using MailApi.Api;
using MailApi.Hosting;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Spool;
using MailApi.Storage;
using MailApi.Testing;

namespace MailApi.Integration.Tests.Spool;

/// <summary>What holds of the spool whatever happens to it, on real stores and against a model of a page (<see cref="ModelEnvelope"/>).</summary>
public abstract class SpoolProperties : IAsyncLifetime
{
    private SpoolUnderTest spool = null!;

    private protected abstract Task<Db> OpenStore();

    public async ValueTask InitializeAsync() => spool = new SpoolUnderTest(await OpenStore());

    public virtual async ValueTask DisposeAsync()
    {
        await spool.DisposeAsync();
        spool.Db.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public Task States_attempts_and_events_are_the_models_whatever_happens_in_whatever_order() => SpoolStep.Anything.Array[0, 50].SampleAsync(
        async steps =>
        {
            await Empty();
            await new SpoolAgainstModel(spool).Take(steps);
        },
        iter: Samples.Of(6), threads: 1, print: steps => string.Join("\n", steps.AsEnumerable()));

    [Fact]
    public Task Of_all_doorbells_of_one_attempt_one_wins() => Gen.Select(Gen.Int[1, 5], Gen.Int[2, 40]).SampleAsync(
        async (envelopes, doorbells) =>
        {
            await Empty();
            var message = await spool.Accept(PrefixedId.New<TenantId>(), envelopes);
            var claims = await Task.WhenAll(Enumerable.Range(0, doorbells * envelopes).Select(number => Task.Run(() => spool.Claim(message, attempt: 0, envelope: number % envelopes))));
            Assert.Equal(message.Envelopes.Select(it => it.Id.Value).Order(), claims.OfType<Claim>().Select(it => it.Envelope.Value).Order());
            Assert.All(claims.OfType<Claim>(), it => Assert.Equal(1, it.Attempt));
        },
        iter: Samples.Of(3), threads: 1);

    /// <summary>A key's first body decides, and there is a first: everybody gets its answer, or is told that the key had another body.</summary>
    [Fact]
    public Task Callers_with_one_key_get_one_message_and_one_answer_however_many_come_at_once() => Gen.Select(Gen.Int[0, 2], Gen.Int[0, 1], (key, body) => (Key: $"key {key}", Body: (byte)body)).Array[2, 40].SampleAsync(
        async calls =>
        {
            await Empty();
            var tenant = PrefixedId.New<TenantId>();
            var told = await Task.WhenAll(calls.Select(call => Task.Run(async () =>
            {
                var acceptance = SpoolUnderTest.NewAcceptance(tenant, key: call.Key, bodyHash: call.Body);
                return (call.Key, call.Body, Acceptance: acceptance, Result: await spool.Acceptor.Accept(acceptance));
            })));
            foreach (var ofKey in told.GroupBy(it => it.Key))
            {
                var first = Assert.Single(ofKey, it => it.Result is AcceptResult.Committed);
                Assert.All(ofKey.Where(it => it.Acceptance != first.Acceptance), it =>
                    Assert.Equal<AcceptResult>(it.Body == first.Body ? new AcceptResult.Replayed(first.Acceptance.Response) : new AcceptResult.KeyReused(), it.Result));
            }
            Assert.Equal(told.Where(it => it.Result is AcceptResult.Committed).Select(it => it.Acceptance.Id.Value).Order(), (await spool.Db.Query("select id from messages", row => row.GetGuid(0), CancellationToken.None)).Order());
        },
        iter: Samples.Of(3), threads: 1);

    [Fact]
    public Task Free_places_are_dealt_in_turn_by_weight_and_nobody_waits_behind_mail_that_is_held_back() => Dealing.Cases.SampleAsync(
        async (tenants, freed) =>
        {
            await Empty();
            await new Dealing(spool).Hold(tenants, freed);
        },
        iter: Samples.Of(3), threads: 1, print: it => $"{string.Join(' ', it.Item1.AsEnumerable())}; free {string.Join(' ', it.Item2)}");

    /// <summary>As new: only what the model knows of.</summary>
    private async Task Empty()
    {
        foreach (var table in (string[])["events", "envelopes", "message_tags", "messages", "idempotency", "suspensions", "tenants"]) await spool.Db.Execute($"delete from {table}", CancellationToken.None);
        await spool.Suspensions.Read(CancellationToken.None);
        spool.Window.Recount([]);
        await spool.Node.Announce(CancellationToken.None);
    }
}

public sealed class SqliteSpoolProperties : SpoolProperties
{
    private readonly TempDirectory directory = new();

    private protected override Task<Db> OpenStore()
    {
        var options = new StoreOptions();
        Store.Migrate(options, directory.Path);
        return Task.FromResult(Store.Open(options, directory.Path, TimeProvider.System));
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        directory.Dispose();
        GC.SuppressFinalize(this);
    }
}

public sealed class PostgreSqlSpoolProperties(SharedServers servers) : SpoolProperties
{
    private protected override async Task<Db> OpenStore()
    {
        var server = await servers.PostgreSql;
        var options = new StoreOptions { Provider = StoreProvider.PostgreSql, ConnectionString = server.ConnectionString(await server.CreateDatabaseAsync(CancellationToken.None)) };
        Store.Migrate(options, "");
        return Store.Open(options, "", TimeProvider.System);
    }
}
