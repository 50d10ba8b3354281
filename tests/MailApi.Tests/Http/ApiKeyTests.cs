using System.Net;
using MailApi.Api;
using MailApi.Tenants;

namespace MailApi.Tests.Http;

/// <summary>S-13: an invented, mistyped or borrowed key is taken for a real one.</summary>
public sealed class ApiKeyTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory, InlineData(KeyMode.Live, "mk_live_"), InlineData(KeyMode.Test, "mk_test_")]
    internal void A_generated_key_reads_back_as_what_it_is(KeyMode mode, string prefix)
    {
        var key = ApiKey.Generate(mode);
        Assert.StartsWith(prefix, key, StringComparison.Ordinal);
        Assert.True(ApiKey.TryParse(key, out var read));
        Assert.Equal(mode, read);
        Assert.NotEqual(key, ApiKey.Generate(mode));
    }

    [Fact]
    public void Every_single_wrong_character_is_seen()
    {
        var key = ApiKey.Generate(KeyMode.Live);
        for (var index = 0; index < key.Length; index++)
            foreach (var other in "aZ09_-= \n\0é")
                if (other != key[index]) Assert.False(ApiKey.TryParse(key[..index] + other + key[(index + 1)..], out _), $"'{other}' at {index} of {key}");
    }

    [Fact]
    public void Every_swap_of_neighbours_is_seen()
    {
        var key = ApiKey.Generate(KeyMode.Test);
        for (var index = 0; index < key.Length - 1; index++)
            if (key[index] != key[index + 1]) Assert.False(ApiKey.TryParse($"{key[..index]}{key[index + 1]}{key[index]}{key[(index + 2)..]}", out _));
    }

    [Theory]
    // Computed with another CRC-32 (zlib) and base 62 of our alphabet.
    [InlineData("mk_live_0000000000000000000000000000000000000000000", "24jeos")]
    [InlineData("mk_test_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq", "0A4fpl")]
    public void The_checksum_is_CRC_32_in_base_62(string key, string checksum)
    {
        Assert.True(ApiKey.TryParse(key + checksum, out _));
    }

    [Theory]
    [InlineData(null), InlineData(""), InlineData("mk_live_"), InlineData("mk_prod_00000000000000000000000000000000000000000001Zb0Bp")]
    public void What_has_not_the_form_of_a_key_is_none(string? text)
    {
        Assert.False(ApiKey.TryParse(text, out _));
    }

    [Theory]
    [InlineData("10.0.0.0/8", "10.1.2.3", true)]
    [InlineData("10.0.0.0/8", "::ffff:10.1.2.3", true)]
    [InlineData("10.0.0.0/8", "11.0.0.1", false)]
    [InlineData("10.0.0.0/8", "::ffff:11.0.0.1", false)]
    [InlineData("0.0.0.0/0", "::ffff:11.0.0.1", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("192.0.2.7/32", "192.0.2.7", true)]
    [InlineData("192.0.2.7/32", "192.0.2.8", false)]
    [InlineData("2001:db8::/32", "2001:db8:1::1", true)]
    [InlineData("2001:db8::/32", "2001:db9::1", false)]
    // A mapped address is an IPv4 address, whatever a network of IPv6 would say of its octets.
    [InlineData("2000::/3", "::ffff:10.0.0.1", false)]
    [InlineData("2000::/3", "10.0.0.1", false)]
    [InlineData("::/0", "::ffff:10.0.0.1", false)]
    [InlineData("::/0", "2001:db8::1", true)]
    [InlineData("fe80::/10", "fe80::1%2", true)]
    [InlineData("10.0.0.0/8", null, false)]
    public void A_key_is_admitted_from_its_networks_alone(string network, string? address, bool admitted)
    {
        var key = Key() with { Networks = [IPNetwork.Parse("203.0.113.0/24"), IPNetwork.Parse(network)] };
        Assert.Equal(admitted, key.Admits(address is null ? null : IPAddress.Parse(address), Now));
    }

    [Theory, InlineData(-1, false), InlineData(0, false), InlineData(1, true)]
    public void A_key_ends_at_its_time(int milliseconds, bool admitted)
    {
        Assert.Equal(admitted, (Key() with { ExpiresAt = Now.AddMilliseconds(milliseconds) }).Admits(IPAddress.Loopback, Now));
    }

    private static KnownKey Key() => new([], new Caller
    {
        TenantOrNone = new TenantId(Guid.Empty),
        Key = new KeyId(Guid.Empty),
        IsOperator = false,
        IsTest = false,
        Scopes = [],
        Domains = null,
    }, IngressRate.Default, Networks: null, ExpiresAt: null);
}
