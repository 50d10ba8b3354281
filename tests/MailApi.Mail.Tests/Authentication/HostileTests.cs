using System.Security.Cryptography;
using System.Text;
using MailApi.Mail.Authentication;
using MailApi.Mail.Dkim;
using MailApi.Testing.Fuzzing;

namespace MailApi.Mail.Tests.Authentication;

/// <summary>S-23: fields whose reading would grow with the square of their length, and keys that cost a hundred times what others do.</summary>
public sealed class HostileTests
{
    private const int Octets = 1 << 20;

    /// <summary>Of the processor's time; the square of a million takes minutes.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData("<@", ",")]
    [InlineData("<@a", ",@")]
    [InlineData("", "<@,>")]
    [InlineData("", "(")]
    [InlineData("\"", "\\")]
    [InlineData("", "a:")]
    public void The_author_is_read_soon(string first, string again)
    {
        var field = first + string.Concat(Enumerable.Repeat(again, Octets / again.Length));
        Soon(() => Author.Of(RawMessage.Parse(Encoding.ASCII.GetBytes($"From: {field}\r\n\r\n"))));
    }

    [Theory]
    [InlineData(";")]
    [InlineData(" ; ")]
    [InlineData("x;")]
    public void The_signature_is_taken_out_of_its_field_soon(string again)
    {
        var field = $"DKIM-Signature: {string.Concat(Enumerable.Repeat(again, Octets / again.Length))} a=rsa-sha256; b = c2ln\r\n dGg=; d=shop.example\r\n";
        var raw = RawMessage.Parse(Encoding.ASCII.GetBytes(field + "\r\n")).Fields[0];
        var bare = Soon(() => Verifier.WithoutSignature(raw));
        Assert.Equal(field.Replace(" c2ln\r\n dGg=", "", StringComparison.Ordinal), Encoding.ASCII.GetString(bare.Octets.Span));
    }

    [Fact]
    public void A_key_whose_exponent_is_as_long_as_its_modulus_is_not_used()
    {
        using var key = RSA.Create(2048);
        var numbers = key.ExportParameters(includePrivateParameters: false);
        numbers.Exponent = [.. numbers.Modulus!.Select(octet => (byte)(octet >> 1 | 1))];
        using var slow = RSA.Create(numbers);
        var (record, _) = KeyRecord.Parse($"v=DKIM1; k=rsa; p={Convert.ToBase64String(slow.ExportSubjectPublicKeyInfo())}");
        Assert.Equal(SignatureFault.KeyUnfit, record!.Check("rsa-sha256", new byte[256], new byte[32])?.Fault);
    }

    private static T Soon<T>(Func<T> read)
    {
        var began = ThreadTime.Now;
        var result = read();
        var taken = ThreadTime.Now - began;
        Assert.True(taken < Patience, $"{taken}");
        return result;
    }
}
