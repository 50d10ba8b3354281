using System.IO.Pipelines;
using System.Text;
using MailApi.Api;
using MailApi.Hosting;
using MailApi.Integration.Tests.Domains;
using MailApi.Integration.Tests.Fixtures;
using MailApi.Suppressions;

namespace MailApi.Integration.Tests.Suppressions;

/// <summary>The suppression list goes out and comes in as CSV, on both databases.</summary>
public sealed class SuppressionFileTests(SharedServers servers)
{
    private static readonly CancellationToken Ct = CancellationToken.None;

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Every_row_is_counted_and_a_bad_one_costs_no_other(StoreProvider provider)
    {
        using var store = await Create(provider);
        var tenant = await store.AddTenant();
        await new SuppressionList(store.Db).Add(tenant, "short@example.net", null, SuppressionReason.Manual, "api", DateTimeOffset.Parse("2998-01-01T00:00:00Z", null), Ct);
        var file = string.Join("\r\n",
            "\uFEFFaddress,reason,category,expiresAt",
            "new@example.net,complaint,,",
            "NEW@example.net,complaint,,",
            "\"quoted\"\"@example.net\",,,",
            "\"open@example.net,,,",
            "no-address,,,",
            "after@example.net,hardBounce,marketing,",
            "",
            "few@example.net",
            "short@example.net,,,2999-01-01T00:00:00Z",
            $"{new string('x', CsvLines.OctetsMax)}@example.net,,,",
            "late@example.net,,,2020-01-01T00:00:00Z",
            "wrong@example.net,topicPreference,,",
            "wrong@example.net,,sales,",
            "last@example.net,,,");

        var (result, error) = await Import(store, tenant, file);

        Assert.Null(error);
        Assert.Equal((3L, 1L, 1L, 8L), (result!.Imported, result.Updated, result.Unchanged, result.Refused));
        Assert.Equal([4, 5, 6, 9, 11, 12, 13, 14], result.Errors.Select(it => it.Line));
        Assert.Equal(["after@example.net hardBounce marketing", "last@example.net manual ", "new@example.net complaint ", "short@example.net manual "],
            await store.Db.Query("select address, reason, category from suppressions order by address", row => $"{row.GetString(0)} {row.GetString(1)} {row.GetString(2)}", Ct));
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task An_export_comes_in_again_as_what_it_was(StoreProvider provider)
    {
        using var store = await Create(provider);
        var (one, two, list) = (await store.AddTenant(), await store.AddTenant(), new SuppressionList(store.Db));
        foreach (var address in (string[])["ann@example.net", "=1+1@example.net", "+49@example.net", "-x@example.net", "'=x@example.net", "''=x@example.net", "'x@example.net", "用户@xn--fsqu00a.xn--0zwm56d"])
            foreach (var reason in SuppressionReasons.OfEntries)
                await list.Add(one, address, reason == SuppressionReason.Unsubscribe ? Category.Marketing : null, reason, "=HYPERLINK(\"http://attacker.example\"), \"quoted\"",
                    reason == SuppressionReason.SoftBounce ? DateTimeOffset.Parse("2999-01-01T00:00:00Z", null) : null, Ct);
        await list.Override(one, (await list.List(one, new SuppressionFilter(null, null, null), Guid.AllBitsSet, 1, Ct))[0].Id, "key_1", "@Ann: \"it works\", she says", Ct);

        var exported = await Export(store, one);
        var (result, _) = await Import(store, two, exported);

        Assert.Equal((40L, 0L), (result!.Imported, result.Refused));
        // In the order of the import, which sorts what it commits together.
        Assert.Equal(exported.Split("\r\n").Order(StringComparer.Ordinal), (await Export(store, two)).Split("\r\n").Order(StringComparer.Ordinal));
        Assert.Equal(40, (await Import(store, two, exported)).Result!.Unchanged);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task No_cell_of_an_export_is_a_formula(StoreProvider provider)
    {
        using var store = await Create(provider);
        var tenant = await store.AddTenant();
        var list = new SuppressionList(store.Db);
        var (entry, _) = await list.Add(tenant, "=cmd|'/ccalc'!a0@example.net", null, SuppressionReason.Manual, " @SUM(1)", null, Ct);
        await list.Override(tenant, entry.Id, "key", "\t=1", Ct);

        var row = (await Export(store, tenant)).Split("\r\n")[1];

        Assert.Matches(@"^'=cmd\|'/ccalc'!a0@example\.net,,manual,""?' @SUM\(1\)""?,[^,]*,,""?'\t=1""?$", row);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task Imports_that_meet_count_every_entry_once(StoreProvider provider)
    {
        using var store = await Create(provider);
        var tenant = await store.AddTenant();
        var addresses = Enumerable.Range(0, 3 * SuppressionImport.BatchRows / 2).Select(index => $"r{index}@example.net").ToArray();

        var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(seed => Task.Run(() =>
        {
            var shuffled = addresses.ToArray();
            new Random(seed).Shuffle(shuffled);
            return Import(store, tenant, "address\n" + string.Join('\n', shuffled));
        })));

        Assert.Equal(addresses.Length, results.Sum(it => it.Result!.Imported));
        Assert.Equal(3 * addresses.Length, results.Sum(it => it.Result!.Unchanged));
        Assert.Equal(addresses.Length + 1, (await Export(store, tenant)).TrimEnd().Split("\r\n").Length);
    }

    [Theory, InlineData(StoreProvider.Sqlite), InlineData(StoreProvider.PostgreSql)]
    public async Task A_list_is_exported_by_its_tenant_alone(StoreProvider provider)
    {
        using var store = await Create(provider);
        var (one, two) = (await store.AddTenant(), await store.AddTenant());
        await Import(store, one, "address\nann@example.net\n");

        Assert.Equal(2, (await Export(store, one)).TrimEnd().Split("\r\n").Length);
        Assert.Equal(string.Join(',', CsvColumns.All) + "\r\n", await Export(store, two));
    }

    private async Task<StoreUnderTest> Create(StoreProvider provider)
    {
        var store = await StoreUnderTest.Create(provider, servers);
        store.Migrate();
        return store;
    }

    private static async Task<(ImportResult? Result, string? HeaderError)> Import(StoreUnderTest store, TenantId tenant, string file) =>
        await new SuppressionImport(store.Db, TimeProvider.System).Read(tenant, "key_1", PipeReader.Create(new MemoryStream(Encoding.UTF8.GetBytes(file))), Ct);

    private static async Task<string> Export(StoreUnderTest store, TenantId tenant)
    {
        using var file = new MemoryStream();
        await new SuppressionExport(new SuppressionList(store.Db)).Write(tenant, file, Ct);
        return Encoding.UTF8.GetString(file.ToArray());
    }
}
