using System.Security.Cryptography.X509Certificates;
using MailApi.Testing;

namespace MailApi.EndToEnd.Tests.Scenarios;

public sealed class Programs_submit_by_SMTP(Worlds worlds)
{
    [Theory, InlineData(Mode.Embedded), InlineData(Mode.Distributed)]
    public async Task What_programs_send_with_host_port_and_key_arrives_signed(Mode mode)
    {
        using var directory = new TempDirectory();
        var (submission, submissionTls) = (FreePort.Next(), FreePort.Next());
        await using var world = await worlds.Own(mode, new Dictionary<string, string>
        {
            ["Receive__Submission"] = $"127.0.0.1:{submission}",
            ["Receive__SubmissionTls"] = $"127.0.0.1:{submissionTls}",
            ["Receive__CertificatePath"] = Certificate(directory),
            ["Receive__CertificateKeyPath"] = directory["key.pem"],
        });
        var shop = await world.NewShop();
        var key = shop.Live.DefaultRequestHeaders.Authorization!.Parameter!;

        var sent = new List<string>();
        foreach (var (port, startsWithTls) in new[] { (submission, false), (submissionTls, true) })
        {
            foreach (var (name, send) in Submitters.For(startsWithTls))
            {
                var recipient = $"{name}.{startsWithTls}@example.net";
                await send(new SubmissionJob(port, startsWithTls, key, directory["certificate.pem"], $"orders@{shop.Domain}", recipient));
                sent.Add(recipient);
            }
        }

        var keys = await shop.DkimKeys();
        foreach (var recipient in sent)
        {
            var mail = await world.Sink.WaitFor(recipient, World.Patience);
            Assert.Equal((SubmissionJob.Subject, SubmissionJob.Text), (mail.Mime.Subject, mail.Mime.TextBody!.ReplaceLineEndings("\r\n").TrimEnd()));
            Assert.True(System.Text.Ascii.IsValid(mail.Bytes), recipient);
            Assert.EndsWith($"@bounces.{shop.Domain}", mail.MailFrom);
            Assert.Equal("pass", Assert.Single(await Dkimpy.VerifyAsync(keys, [mail.Bytes], CancellationToken.None)));
        }
        var listed = await World.Json(await shop.Live.GetAsync("/messages"));
        Assert.Equal(sent.Count, listed.GetProperty("items").GetArrayLength());
    }

    private static string Certificate(TempDirectory directory)
    {
        using var certificate = TestCertificate.For(SubmissionJob.Host);
        using var key = certificate.GetECDsaPrivateKey()!;
        directory.Write("key.pem", key.ExportPkcs8PrivateKeyPem());
        directory.Write("certificate.pem", certificate.ExportCertificatePem());
        return directory["certificate.pem"];
    }
}
