using System.Security.Cryptography;
using System.Text;
using MailApi.Webhooks;
using Xunit;

namespace MailApi.Tests.Webhooks;

public sealed class SignatureTests
{
    private const string Id = "evt_0198c0de000070008000000000000001";
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"type":"webhook.test"}""");
    private static readonly byte[] Secret = Convert.FromBase64String("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=");

    [Fact]
    public void A_signature_is_the_one_that_openssl_computes()
    {
        // printf 'evt_0198c0de000070008000000000000001.1800000000.{"type":"webhook.test"}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:… -binary | base64
        Assert.Equal("v1,FxRhohOFlofUzlQ01HF/qD+29B6EcKbqrG3U1uyU3T8=", Signature.Header([Secret], Id, Now.ToUnixTimeSeconds(), Body));
    }

    [Fact]
    public void A_new_secret_is_shown_as_whsec_and_32_octets_of_base64()
    {
        var shown = Signature.Show(Signature.NewSecret());
        Assert.StartsWith("whsec_", shown);
        Assert.Equal(32, Convert.FromBase64String(shown["whsec_".Length..]).Length);
    }

    [Fact]
    public void An_untouched_delivery_verifies() => Assert.True(Verify(Body, Id, Now, Sign(Secret), Now));

    [Fact]
    public void While_secrets_rotate_a_receiver_with_either_secret_is_content()
    {
        var next = Signature.NewSecret();
        var header = Sign(next, Secret);
        Assert.Equal(2, header.Split(' ').Length);
        Assert.True(Verify(Body, Id, Now, header, Now));
        Assert.True(StandardWebhooks.Verify(Signature.Show(next), Id, Now.ToUnixTimeSeconds().ToString(), header, Body, Now));
    }

    [Fact]
    public void A_flipped_byte_is_noticed()
    {
        for (var index = 0; index < Body.Length; index++)
        {
            var altered = Body.ToArray();
            altered[index] ^= 1;
            Assert.False(Verify(altered, Id, Now, Sign(Secret), Now));
        }
    }

    [Fact]
    public void An_old_timestamp_is_noticed_also_when_it_is_renewed()
    {
        Assert.False(Verify(Body, Id, Now, Sign(Secret), Now.AddMinutes(6)));
        Assert.False(Verify(Body, Id, Now.AddMinutes(6), Sign(Secret), Now.AddMinutes(6)));
    }

    [Fact]
    public void A_swapped_id_is_noticed() => Assert.False(Verify(Body, Id[..^1] + "2", Now, Sign(Secret), Now));

    [Fact]
    public void Another_secret_does_not_verify() => Assert.False(Verify(Body, Id, Now, Sign(RandomNumberGenerator.GetBytes(32)), Now));

    private static string Sign(params byte[][] secrets) => Signature.Header(secrets, Id, Now.ToUnixTimeSeconds(), Body);

    private static bool Verify(byte[] body, string id, DateTimeOffset timestamp, string header, DateTimeOffset now) =>
        StandardWebhooks.Verify(Signature.Show(Secret), id, timestamp.ToUnixTimeSeconds().ToString(), header, body, now);
}
