using MailApi.Mail.Authentication;

namespace MailApi.Mail.Tests.Authentication;

/// <summary>Reading a record, and merging ours into a tenant's.</summary>
public class SpfRecordTests
{
    [Theory]
    [InlineData("v=spf1 -all", "v=spf1 include:spf.service.example -all")]
    [InlineData("v=spf1 mx a:shop.example/24 ~all", "v=spf1 mx a:shop.example/24 include:spf.service.example ~all")]
    [InlineData("V=SPF1  include:_spf.other.example   ?all exp=why.shop.example", "v=spf1 include:_spf.other.example include:spf.service.example ?all exp=why.shop.example")]
    [InlineData("v=spf1 ip4:192.0.2.1 redirect=_spf.shop.example", "v=spf1 ip4:192.0.2.1 include:spf.service.example redirect=_spf.shop.example")]
    [InlineData("v=spf1 redirect=_spf.shop.example", "v=spf1 include:spf.service.example redirect=_spf.shop.example")]
    [InlineData("v=spf1 redirect=_spf.shop.example -ip4:192.0.2.1", "v=spf1 redirect=_spf.shop.example -ip4:192.0.2.1 include:spf.service.example")]
    [InlineData("v=spf1", "v=spf1 include:spf.service.example")]
    [InlineData("v=spf1 -all include:spf.service.example", "v=spf1 include:spf.service.example -all include:spf.service.example")]
    [InlineData("v=spf1 include:spf.service.example.org -all", "v=spf1 include:spf.service.example.org include:spf.service.example -all")]
    public void An_include_goes_before_the_last_word_and_all_else_stays(string published, string merged)
    {
        Assert.Equal(new SpfMerge.Merged(merged), Read(published).Including("spf.service.example"));
        Assert.IsType<SpfMerge.Unchanged>(Read(merged).Including("spf.service.example"));
    }

    [Theory]
    [InlineData("v=spf1 include:spf.service.example -all")]
    [InlineData("v=spf1 +INCLUDE:Spf.Service.Example. -all")]
    [InlineData("v=spf1 mx redirect=spf.service.example")]
    public void What_is_included_already_is_left_alone(string published) => Assert.IsType<SpfMerge.Unchanged>(Read(published).Including("SPF.service.example."));

    [Theory]
    [InlineData("v=spf1 +all", "every server of the internet")]
    [InlineData("v=spf1 mx all", "every server of the internet")]
    [InlineData("v=spf1 -include:spf.service.example ~all", "\"-include:spf.service.example\"")]
    [InlineData("v=spf1 a a a a a a a a a mx -all", "10 terms")]
    public void A_merge_without_sense_is_refused_with_its_reason(string published, string reason) =>
        Assert.Contains(reason, Assert.IsType<SpfMerge.Refused>(Read(published).Including("spf.service.example")).Reason, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("spf service.example")]
    [InlineData("spf.service.example -all")]
    [InlineData("%{d}.service.example")]
    public void Only_host_names_are_merged(string host) => Assert.IsType<SpfMerge.Refused>(Read("v=spf1 -all").Including(host));

    [Fact]
    public void Terms_tell_what_they_say_and_print_as_they_were_written()
    {
        var record = Read("v=spf1 A/24//64 ?mx:mail.shop.example -ip4:192.0.2.0/24 ip6:2001:db8::/32 include:%{d2} redirect=x.example exp=y.example other=1");

        Assert.Equal(["A/24//64", "?mx:mail.shop.example", "-ip4:192.0.2.0/24", "ip6:2001:db8::/32", "include:%{d2}", "redirect=x.example", "exp=y.example", "other=1"],
            record.Terms.Select(term => term.ToString()));
        Assert.Equal(new SpfPrefix(24, 64), Assert.IsType<SpfTerm.A>(record.Terms[0]).Prefix);
        var mx = Assert.IsType<SpfTerm.Mx>(record.Terms[1]);
        Assert.Equal((SpfQualifier.Neutral, "mail.shop.example", SpfPrefix.Whole), (mx.Qualifier, mx.Domain?.Text, mx.Prefix));
        Assert.Equal((SpfQualifier.Fail, 24), (((SpfTerm.Network)record.Terms[2]).Qualifier, ((SpfTerm.Network)record.Terms[2]).PrefixBits));
        Assert.False(Assert.IsType<SpfTerm.Include>(record.Terms[4]).Domain.IsFixed);
        Assert.Equal("other", Assert.IsType<SpfTerm.Unknown>(record.Terms[7]).Name);
        Assert.Equal("x.example", record.Redirect?.Domain.Text);
    }

    [Fact]
    public void A_record_beyond_all_measure_is_an_error()
    {
        Assert.False(SpfRecord.TryParse("v=spf1 " + new string('a', SpfRecord.CharactersMax), out _, out var error));
        Assert.Contains("16384", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Noise_never_throws()
    {
        var random = new Random(7208);
        const string Alphabet = "v=spf1 amxipterdclude:/%{}.-+~?_=0123456789\0\té\ud800";
        for (var i = 0; i < 20_000; i++)
        {
            var text = "v=spf1 " + string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            if (SpfRecord.TryParse(text, out var record, out var error)) Assert.NotNull(record.Including("spf.service.example"));
            else Assert.NotEmpty(error);
        }
    }

    private static SpfRecord Read(string text)
    {
        Assert.True(SpfRecord.TryParse(text, out var record, out var error), error);
        return record;
    }
}
