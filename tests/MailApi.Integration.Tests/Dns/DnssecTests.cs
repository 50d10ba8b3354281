using MailApi.Mail.Dnssec;
using MailApi.Mail.Routing;
using MailApi.Testing;
using Xunit;

namespace MailApi.Integration.Tests.Dns;

public sealed class DnssecTests(SignedWorld world) : IClassFixture<SignedWorld>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("secure.test", DnssecState.Secure, "Every signature from the root down to secure.test is right.")]
    [InlineData("SECURE.test.", DnssecState.Secure, "")]
    [InlineData("mx.secure.test", DnssecState.Secure, "")]
    [InlineData("none.secure.test", DnssecState.Secure, "")]
    [InlineData("rsa.test", DnssecState.Secure, "")]
    [InlineData("nsec3.test", DnssecState.Secure, "")]
    [InlineData("test", DnssecState.Secure, "")]
    [InlineData("insecure.test", DnssecState.Insecure, "test publishes no DS record for insecure.test: DNSSEC is not switched on for it")]
    [InlineData("a.b.sub.secure.test", DnssecState.Insecure, "secure.test publishes no DS record for sub.secure.test")]
    [InlineData("sub.optout.test", DnssecState.Insecure, "")]
    [InlineData("sha1.test", DnssecState.Insecure, "sha1.test is signed only with algorithms that are out of use")]
    [InlineData("wrongds.test", DnssecState.Bogus, "None of the keys of wrongds.test is the one that the DS record of its parent zone names.")]
    [InlineData("expired.test", DnssecState.Bogus, "The keys of expired.test carry a signature that expired on 2020-02-01.")]
    [InlineData("future.test", DnssecState.Bogus, "The keys of future.test carry a signature that is valid only from 2090-01-01 on.")]
    [InlineData("tampered.test", DnssecState.Bogus, "The TXT records of tampered.test carry a signature of key ")]
    public async Task Each_zone_is_what_it_is(string domain, DnssecState state, string reason)
    {
        var verdict = await Validator().Validate(domain, Ct);

        Assert.Equal((state, true), (verdict.State, verdict.Reason.StartsWith(reason, StringComparison.Ordinal)));
        Assert.EndsWith(".", verdict.Reason, StringComparison.Ordinal);
    }

    // With what delv of BIND says, which has its own validator: "full" (fully validated), "unsigned", or "bad".
    [Theory]
    [InlineData("secure.test", RecordType.Txt, DnssecState.Secure, "1", "full")]
    [InlineData("secure.test", RecordType.Mx, DnssecState.Secure, "1", "full")]
    [InlineData("secure.test", RecordType.Soa, DnssecState.Secure, "1", "full")]
    [InlineData("secure.test", RecordType.Dnskey, DnssecState.Secure, "1", "full")]
    [InlineData("secure.test", RecordType.Ds, DnssecState.Secure, "1", "full")]
    [InlineData("_25._tcp.mx.secure.test", RecordType.Tlsa, DnssecState.Secure, "1", "full")]
    [InlineData("_25._tcp.mx.rsa.test", RecordType.Tlsa, DnssecState.Secure, "1", "full")]
    [InlineData("mx.secure.test", RecordType.Aaaa, DnssecState.Secure, "no data", "full")]
    [InlineData("b.c.secure.test", RecordType.A, DnssecState.Secure, "no data", "full")]
    [InlineData("none.secure.test", RecordType.A, DnssecState.Secure, "no name", "full")]
    [InlineData("no.such.name.at.all.secure.test", RecordType.A, DnssecState.Secure, "no name", "full")]
    [InlineData("x.wild.secure.test", RecordType.Txt, DnssecState.Secure, "1", "full")]
    [InlineData("x.y.wild.secure.test", RecordType.Txt, DnssecState.Secure, "1", "full")]
    [InlineData("x.wild.secure.test", RecordType.A, DnssecState.Secure, "no data", "full")]
    [InlineData("alias.secure.test", RecordType.A, DnssecState.Secure, "1", "full")]
    [InlineData("www.old.secure.test", RecordType.A, DnssecState.Secure, "1", "full")]
    [InlineData("out.secure.test", RecordType.A, DnssecState.Insecure, "1", "unsigned")]
    [InlineData("broken.secure.test", RecordType.A, DnssecState.Bogus, "failed", "bad")]
    [InlineData("loop.secure.test", RecordType.A, DnssecState.Bogus, "failed", null)]
    [InlineData("nsec3.test", RecordType.Txt, DnssecState.Secure, "1", "full")]
    [InlineData("_25._tcp.mx.nsec3.test", RecordType.Tlsa, DnssecState.Secure, "1", "full")]
    [InlineData("_25._tcp.none.nsec3.test", RecordType.Tlsa, DnssecState.Secure, "no name", "full")]
    [InlineData("mx.nsec3.test", RecordType.Aaaa, DnssecState.Secure, "no data", "full")]
    [InlineData("b.c.nsec3.test", RecordType.A, DnssecState.Secure, "no data", "full")]
    [InlineData("x.wild.nsec3.test", RecordType.Txt, DnssecState.Secure, "1", "full")]
    [InlineData("x.wild.nsec3.test", RecordType.A, DnssecState.Secure, "no data", "full")]
    [InlineData("mx.optout.test", RecordType.A, DnssecState.Secure, "1", "full")]
    // With opt-out nobody can say whether the name is an unsigned zone (RFC 5155 §9.2).
    [InlineData("none.optout.test", RecordType.A, DnssecState.Insecure, "no name", null)]
    // Too many iterations: the data is proven, its absence not worth proving (RFC 9276 §3.2).
    [InlineData("costly.test", RecordType.Txt, DnssecState.Secure, "1", null)]
    [InlineData("none.costly.test", RecordType.A, DnssecState.Insecure, "no name", null)]
    [InlineData("insecure.test", RecordType.Txt, DnssecState.Insecure, "1", "unsigned")]
    [InlineData("none.insecure.test", RecordType.Txt, DnssecState.Insecure, "no name", "unsigned")]
    [InlineData("mx.sub.secure.test", RecordType.A, DnssecState.Insecure, "1", "unsigned")]
    [InlineData("mx.sub.optout.test", RecordType.A, DnssecState.Insecure, "1", "unsigned")]
    [InlineData("wrongds.test", RecordType.Txt, DnssecState.Bogus, "failed", "bad")]
    [InlineData("expired.test", RecordType.Txt, DnssecState.Bogus, "failed", "bad")]
    [InlineData("future.test", RecordType.Txt, DnssecState.Bogus, "failed", "bad")]
    [InlineData("tampered.test", RecordType.Txt, DnssecState.Bogus, "failed", "bad")]
    [InlineData("tampered.test", RecordType.Mx, DnssecState.Secure, "1", "full")]
    [InlineData("there.wild.secure.test", RecordType.Txt, DnssecState.Secure, "no data", "full")]
    [InlineData("there.wild.nsec3.test", RecordType.Txt, DnssecState.Secure, "no data", "full")]
    public async Task Each_answer_is_judged_as_BIND_judges_it(string name, RecordType type, DnssecState state, string records, string? delv)
    {
        var answer = await Validator().Lookup(name, type, Ct);

        Assert.Equal((state, records), (answer.State, answer.Answer switch
        {
            DnsAnswer<byte[]>.Found found => $"{found.Values.Count}",
            DnsAnswer<byte[]>.NoData => "no data",
            DnsAnswer<byte[]>.NoSuchDomain => "no name",
            _ => "failed",
        }));
        if (delv is not null) Assert.Equal(delv, await Delv(name, type));
    }

    [Fact]
    public async Task The_records_come_as_they_are_on_the_wire()
    {
        var found = Assert.IsType<DnsAnswer<byte[]>.Found>((await Validator().Lookup("_25._tcp.mx.secure.test", RecordType.Tlsa, Ct)).Answer);

        Assert.Equal("03010100112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF", Convert.ToHexString(found.Values.Single()));
    }

    [Theory]
    // Signatures are removed: from everything, from the proof that there is no DS record, from the zone itself.
    [InlineData("secure.test", DnsLie.Strip, "", DnsType.Any, DnssecState.Indeterminate)]
    [InlineData("insecure.test", DnsLie.Strip, "", DnsType.Any, DnssecState.Indeterminate)]
    [InlineData("secure.test", DnsLie.Strip, "secure.test", DnsType.Ds, DnssecState.Bogus)]
    [InlineData("insecure.test", DnsLie.Strip, "insecure.test", DnsType.Ds, DnssecState.Bogus)]
    [InlineData("secure.test", DnsLie.Strip, "secure.test", DnsType.Any, DnssecState.Bogus)]
    [InlineData("secure.test", DnsLie.Strip, "secure.test", DnsType.Txt, DnssecState.Bogus)]
    // Records are said not to be there.
    [InlineData("secure.test", DnsLie.NoData, "secure.test", DnsType.Ds, DnssecState.Bogus)]
    [InlineData("secure.test", DnsLie.NoData, "secure.test", DnsType.Dnskey, DnssecState.Bogus)]
    [InlineData("secure.test", DnsLie.NoData, "secure.test", DnsType.Txt, DnssecState.Bogus)]
    [InlineData("secure.test", DnsLie.NxDomain, "secure.test", DnsType.Txt, DnssecState.Bogus)]
    [InlineData("none.secure.test", DnsLie.NoData, "none.secure.test", DnsType.Txt, DnssecState.Bogus)]
    [InlineData("none.secure.test", DnsLie.NxDomain, "none.secure.test", DnsType.Txt, DnssecState.Bogus)]
    [InlineData("nsec3.test", DnsLie.NoData, "nsec3.test", DnsType.Ds, DnssecState.Bogus)]
    // Records are made up.
    [InlineData("secure.test", DnsLie.Forge, "secure.test", DnsType.Txt, DnssecState.Bogus)]
    [InlineData("secure.test", DnsLie.Forge, "secure.test", DnsType.Ds, DnssecState.Bogus)]
    [InlineData("insecure.test", DnsLie.Forge, "insecure.test", DnsType.Ds, DnssecState.Bogus)]
    // Proofs and wildcards are used for other names than theirs.
    [InlineData("mx.secure.test", DnsLie.Replay, "mx.secure.test", DnsType.Txt, DnssecState.Bogus)]
    [InlineData("mx.nsec3.test", DnsLie.Replay, "mx.nsec3.test", DnsType.Txt, DnssecState.Bogus)]
    [InlineData("there.wild.secure.test", DnsLie.Replay, "there.wild.secure.test", DnsType.Txt, DnssecState.Bogus)]
    [InlineData("there.wild.nsec3.test", DnsLie.Replay, "there.wild.nsec3.test", DnsType.Txt, DnssecState.Bogus)]
    [InlineData("secure.test", DnsLie.Replay, "secure.test", DnsType.Ds, DnssecState.Bogus)]
    // Nothing is said.
    [InlineData("secure.test", DnsLie.ServFail, "secure.test", DnsType.Any, DnssecState.Indeterminate)]
    [InlineData("secure.test", DnsLie.ServFail, "", DnsType.Any, DnssecState.Indeterminate)]
    // All is well, though it always says so.
    [InlineData("wrongds.test", DnsLie.None, "", DnsType.Any, DnssecState.Bogus)]
    [InlineData("expired.test", DnsLie.None, "", DnsType.Any, DnssecState.Bogus)]
    [InlineData("insecure.test", DnsLie.None, "", DnsType.Any, DnssecState.Insecure)]
    [InlineData("secure.test", DnsLie.None, "", DnsType.Any, DnssecState.Secure)]
    public async Task A_resolver_that_lies_and_says_that_all_is_validated_is_not_believed(string domain, DnsLie lie, string about, DnsType of, DnssecState state)
    {
        await using var liar = new LyingResolver(world.Nsd.EndPoint, (name, type) =>
            (about.Length == 0 || name == about) && (of == DnsType.Any || type == of) ? lie : DnsLie.None);

        var answer = await Validator(world.Options with { Servers = [liar.EndPoint] }).Lookup(domain, RecordType.Txt, Ct);

        Assert.Equal(state, answer.State);
        Assert.Equal(state is DnssecState.Bogus or DnssecState.Indeterminate, answer.Answer is DnsAnswer<byte[]>.Failed);
    }

    [Fact]
    public async Task A_root_of_another_key_proves_nothing()
    {
        var verdict = await Validator(world.Options with { TrustAnchors = TrustAnchor.Root }).Validate("secure.test", Ct);

        Assert.Equal(DnssecState.Bogus, verdict.State);
    }

    [Fact]
    public async Task Silence_proves_nothing_and_ends_in_time()
    {
        await using var silent = DnsZone.Start().Fail("*", DnsFailure.Timeout);
        var options = world.Options with { Servers = [silent.EndPoint], Timeout = TimeSpan.FromMinutes(1), WalkDeadline = TimeSpan.FromMilliseconds(200) };

        var verdict = await Validator(options).Validate("secure.test", Ct);

        Assert.Equal(new DnssecVerdict(DnssecState.Indeterminate, "The records that prove secure.test did not come in time."), verdict);
    }

    [Fact]
    public async Task Keys_are_kept_from_one_look_up_to_the_next()
    {
        var asked = 0;
        await using var counting = new LyingResolver(world.Nsd.EndPoint, (_, _) => Interlocked.Increment(ref asked) > 0 ? DnsLie.None : DnsLie.None);
        var validator = Validator(world.Options with { Servers = [counting.EndPoint] });
        await validator.Lookup("secure.test", RecordType.Txt, Ct);
        Assert.Equal(6, asked);

        await validator.Lookup("secure.test", RecordType.Mx, Ct);

        Assert.Equal(7, asked);
    }

    private DnssecValidator Validator(DnsOptions? options = null) =>
        new(new DnsResolver(options ?? world.Options, TimeProvider.System), options ?? world.Options, TimeProvider.System);

    private async Task<string> Delv(string name, RecordType type)
    {
        using var directory = new TempDirectory();
        var anchor = directory.Write("anchor", world.AnchorForDelv);
        var launch = new Launch("/bin/sh", "-c", $"delv @127.0.0.1 -p {world.Nsd.Port} -a {anchor} +root=. {name} {type} 2>&1 || true");
        var output = await Command.RunAsync(launch, Ct);
        string[] complaints = ["no valid", "broken trust chain", "expired", "not yet valid", "failed to verify"];
        if (complaints.Any(complaint => output.Contains(complaint, StringComparison.Ordinal))) return "bad";
        return output.Contains("unsigned answer", StringComparison.Ordinal) ? "unsigned" : output.Contains("fully validated", StringComparison.Ordinal) ? "full" : output;
    }
}
