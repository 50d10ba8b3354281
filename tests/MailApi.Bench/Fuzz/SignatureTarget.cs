using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Testing.Fuzzing;

namespace MailApi.Bench.Fuzz;

/// <summary>The signatures, the chain and the author of received mail: verdicts in the words of RFC 8601, and what passes was signed with the key.</summary>
internal static class SignatureTarget
{
    /// <summary>PKCS#8 around thirty-two noughts: an Ed25519 key that is the same in every run.</summary>
    private static readonly SigningKey Key = SigningKey.Import([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20, .. new byte[32]]);
    private static readonly string Record = SigningKey.Record(Key.ExportPublic());
    private static readonly Stands Time = new();
    private static readonly KeyLookup Keys = new((selector, domain, _) => Task.FromResult(selector.Length == 0 ? throw new IOException("away") : domain == "none.test" ? null : domain == "broken.test" ? "v=DKIM1; p=MIGf" : Record));

    public static byte[][] Seeds(byte[][] others) =>
    [
        .. others,
        .. Texts.Octets("From: A <a@shop.test>\r\nSubject: Hello\r\n\r\nHello.\r\n", "From: a@shop.test, b@other.test\r\nTo: b@example.net\r\nSubject: x\r\n\r\n\r\n").Select(Signed),
        .. Texts.Octets(
            "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=relay.test; s=m1; t=1; b=AAAA\r\nARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=relay.test; s=m1; h=from; bh=AAAA; b=AAAA\r\nARC-Authentication-Results: i=1; mx.test; spf=pass\r\nFrom: a@shop.test\r\n\r\nx\r\n"),
    ];

    public static readonly string[] Words =
    [
        "DKIM-Signature: ", "v=1; ", "a=ed25519-sha256; ", "a=rsa-sha256; ", "c=simple/relaxed; ", "c=relaxed; ", "d=shop.test; ", "d=none.test; ", "d=broken.test; ", "s=m1; ", "s=; ", "h=from:from:subject; ", "i=@sub.shop.test; ", "l=0; ", "l=99999999999999999999; ", "t=1; ", "x=1; ", "x=4102444800; ", "z=From:a|To:b; ", "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; ", "b=", "\r\n\t", "\r\n ",
        "ARC-Seal: i=1; cv=none; ", "ARC-Seal: i=2; cv=pass; ", "ARC-Message-Signature: i=1; ", "ARC-Authentication-Results: i=1; ", "i=51; ", "From: <a@b.test>\r\n", "From: group: a@b.test, c@d.test;\r\n", "(a (b) c)", "<@x.test:a@b.test>", "\"", "\r\n\r\n",
    ];

    public static string Try(byte[] input)
    {
        var raw = RawMessage.Parse(RawMessage.WithCrLf(input));
        var verdicts = Verifier.Verify(raw, Keys, Time, CancellationToken.None).GetAwaiter().GetResult();
        foreach (var verdict in verdicts)
        {
            if (verdict.Result is AuthenticationResult.None or AuthenticationResult.SoftFail) throw new InvalidOperationException($"No result of DKIM: {verdict.Result}");
            if (verdict.Result == AuthenticationResult.Pass != (verdict.Fault == SignatureFault.None) || verdict.Result != AuthenticationResult.Pass && verdict.Reason is not { Length: > 0 and < 1000 }) throw new InvalidOperationException($"{verdict.Result} because of {verdict.Reason}");
            if ((verdict.Domain + verdict.Selector + verdict.Reason).Any(char.IsControl)) throw new InvalidOperationException("A verdict with control characters.");
        }
        var chain = ArcChain.Verify(raw, Keys, Time, CancellationToken.None).GetAwaiter().GetResult();
        if (chain.Result is not (AuthenticationResult.None or AuthenticationResult.Pass or AuthenticationResult.Fail) || chain.Result == AuthenticationResult.Fail != (chain.Reason is { Length: > 0 and < 1000 })) throw new InvalidOperationException($"A chain that is {chain.Result} because of {chain.Reason}.");
        var author = Author.Of(raw);
        if (author.Fault == AuthorFault.None != (author.Domain is not null) || author.Addresses.Count > Author.AddressesMax) throw new InvalidOperationException($"An author of {author.Domain} with the fault {author.Fault}.");
        return $"{string.Join(',', verdicts.Take(3).Select(it => $"{it.Result} {it.Fault}"))} {chain.Result} {Math.Min(3, chain.Sets)} {chain.Reason is null} {author.Fault}";
    }

    private static byte[] Signed(byte[] message) => [.. new Signer("shop.test", "m1", Key, Time).Sign(message), .. message];

    private sealed class Stands : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 11, 30, 6, 0, 0, TimeSpan.Zero);
    }
}
