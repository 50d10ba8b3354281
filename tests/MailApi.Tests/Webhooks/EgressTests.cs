using System.Net;
using MailApi.Webhooks;
using Xunit;

namespace MailApi.Tests.Webhooks;

public sealed class EgressTests
{
    private static readonly WebhookOptions Public = new();
    private static readonly WebhookOptions Private = new() { AllowPrivateNetworks = true };

    [Theory]
    [InlineData("https://hooks.example.com/in")]
    [InlineData("https://hooks.example.com")]
    [InlineData("HTTPS://Hooks.Example.com:8443/in?tenant=1")]
    [InlineData("https://xn--bcher-kva.example/in")]
    [InlineData("https://8.8.8.8/in")]
    [InlineData("https://[2606:4700:4700::1111]/in")]
    public void A_public_https_url_may_be_called(string text) => Assert.True(WebhookUrl.TryParse(text, false, out _, out _));

    [Theory]
    [InlineData("")]
    [InlineData("hooks.example.com/in")]
    [InlineData("/in")]
    [InlineData("https:hooks.example.com")]
    [InlineData("https:/hooks.example.com")]
    [InlineData("https:///in")]
    [InlineData("http://hooks.example.com/in")]
    [InlineData("ftp://hooks.example.com/in")]
    [InlineData("file:///etc/passwd")]
    [InlineData("gopher://hooks.example.com:443/")]
    [InlineData("https://hooks.example.com:22/in")]
    [InlineData("https://hooks.example.com:80/in")]
    [InlineData("https://hooks.example.com:65536/in")]
    [InlineData("https://user@hooks.example.com/in")]
    [InlineData("https://user:secret@hooks.example.com/in")]
    [InlineData("https://8.8.8.8@127.0.0.1/in")]
    [InlineData("https://@hooks.example.com/in")]
    [InlineData("https://hooks.example.com\\@127.0.0.1/in")]
    [InlineData("https:\\\\127.0.0.1/in")]
    [InlineData("https://hooks.example.com/in\r\nx: y")]
    [InlineData(" https://hooks.example.com/in")]
    [InlineData("https://hooks.example.com\t/in")]
    [InlineData("https://bücher.example/in")]
    [InlineData("https://１２７.0.0.1/in")]
    [InlineData("https://127。0。0。1/in")]
    [InlineData("https://hooks.example.com./in")]
    [InlineData("https://%31%32%37.0.0.1/in")]
    [InlineData("https://[2606:4700:4700::1111/64]/in")]
    [InlineData("https://127.0.0.1/in")]
    [InlineData("https://127.0.0.1:8443/in")]
    [InlineData("https://127.1/in")]
    [InlineData("https://127.0.1/in")]
    [InlineData("https://2130706433/in")]
    [InlineData("https://0x7f000001/in")]
    [InlineData("https://0x7f.0.0.1/in")]
    [InlineData("https://0177.0.0.1/in")]
    [InlineData("https://127.0.0.1./in")]
    [InlineData("https://127.0.0.01/in")]
    [InlineData("https://8.8.8.8.8/in")]
    [InlineData("https://8.8.2056/in")]
    [InlineData("https://0/in")]
    [InlineData("https://0x/in")]
    [InlineData("https://0.0.0.0/in")]
    [InlineData("https://10.0.0.1/in")]
    [InlineData("https://172.16.0.1/in")]
    [InlineData("https://192.168.0.1/in")]
    [InlineData("https://100.64.0.1/in")]
    [InlineData("https://169.254.169.254/latest/meta-data")]
    [InlineData("https://224.0.0.1/in")]
    [InlineData("https://255.255.255.255/in")]
    [InlineData("https://[::1]/in")]
    [InlineData("https://[::]/in")]
    [InlineData("https://[::ffff:127.0.0.1]/in")]
    [InlineData("https://[::ffff:8.8.8.8]/in")]
    [InlineData("https://[::127.0.0.1]/in")]
    [InlineData("https://[64:ff9b::7f00:1]/in")]
    [InlineData("https://[64:ff9b:1::7f00:1]/in")]
    [InlineData("https://[2002:7f00:1::]/in")]
    [InlineData("https://[2001::7f00:1]/in")]
    [InlineData("https://[fe80::1%25eth0]/in")]
    [InlineData("https://[fe80::1%eth0]/in")]
    [InlineData("https://[fc00::1]/in")]
    [InlineData("https://[fd00:ec2::254]/in")]
    [InlineData("https://[ff02::1]/in")]
    [InlineData("https://[::1]@8.8.8.8/in")]
    [InlineData("https://[::1/in")]
    public void Anything_else_is_refused_by_its_text(string text)
    {
        Assert.False(WebhookUrl.TryParse(text, false, out var url, out var refusal));
        Assert.Null(url);
        Assert.NotEmpty(refusal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:5000/in", true)]
    [InlineData("http://[::1]:5000/in", true)]
    [InlineData("http://receiver:8080/in", true)]
    [InlineData("https://10.0.0.1:22/in", true)]
    [InlineData("http://127.1/in", false)]
    [InlineData("http://user@127.0.0.1/in", false)]
    [InlineData("ftp://127.0.0.1/in", false)]
    public void On_private_networks_http_and_every_port_and_address_pass_but_no_odd_spelling(string text, bool passes) =>
        Assert.Equal(passes, WebhookUrl.TryParse(text, true, out _, out _));

    [Fact]
    public void An_overlong_url_is_refused() =>
        Assert.False(WebhookUrl.TryParse("https://hooks.example.com/" + new string('a', WebhookUrl.LengthMax), false, out _, out _));

    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("8.8.8.8 2606:4700:4700::1111", true)]
    [InlineData("", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("64:ff9b::7f00:1", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("8.8.8.8 127.0.0.1", false)]
    [InlineData("8.8.8.8 1.1.1.1 ::1", false)]
    public async Task A_name_passes_only_if_every_address_is_public(string answer, bool passes)
    {
        var addresses = answer.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(IPAddress.Parse).ToArray();
        var admission = await Admit(Public, (_, _) => Task.FromResult<IReadOnlyList<IPAddress>>(addresses));
        Assert.Equal(passes, admission.Refusal is null);
        Assert.Equal(passes ? addresses : [], admission.Addresses);
    }

    [Fact]
    public async Task A_name_that_changes_its_answer_is_refused_from_then_on()
    {
        var answers = new Queue<string>(["8.8.8.8", "127.0.0.1"]);
        var guard = new EgressGuard((_, _) => Task.FromResult<IReadOnlyList<IPAddress>>([IPAddress.Parse(answers.Dequeue())]), Public);
        Assert.Equal([IPAddress.Parse("8.8.8.8")], (await guard.Admit(Url(), TestContext.Current.CancellationToken)).Addresses);
        Assert.NotNull((await guard.Admit(Url(), TestContext.Current.CancellationToken)).Refusal);
    }

    [Fact]
    public async Task A_resolver_that_fails_refuses()
    {
        var admission = await Admit(Public, (_, _) => throw new TimeoutException());
        Assert.NotNull(admission.Refusal);
    }

    [Fact]
    public async Task On_private_networks_loopback_passes() =>
        Assert.Null((await Admit(Private, (_, _) => Task.FromResult<IReadOnlyList<IPAddress>>([IPAddress.Loopback]))).Refusal);

    private static Task<Admission> Admit(WebhookOptions options, Func<string, CancellationToken, Task<IReadOnlyList<IPAddress>>> resolve) =>
        new EgressGuard(resolve, options).Admit(Url(), TestContext.Current.CancellationToken);

    private static WebhookUrl Url()
    {
        Assert.True(WebhookUrl.TryParse("https://hooks.example.com/in", false, out var url, out _));
        return url;
    }
}
