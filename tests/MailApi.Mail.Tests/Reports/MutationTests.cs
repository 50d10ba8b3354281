using MailApi.Mail.Reports;

namespace MailApi.Mail.Tests.Reports;

/// <summary>Whatever the octets are, there is an answer.</summary>
public sealed class MutationTests
{
    private const int MutationsPerFile = 60;

    [Fact]
    public void Reports_with_octets_changed_lost_and_repeated_are_read_or_refused()
    {
        var random = new Random(20260501);
        foreach (var file in TestData.Rows("reports/expected.tsv").Select(row => row[0]))
        {
            var octets = File.ReadAllBytes(TestData.At("reports/" + file));
            for (var round = 0; round < MutationsPerFile && octets.Length > 0; round++)
            {
                var mutant = Mutate(octets, random);
                Assert.NotNull(ReportAttachments.InMail(mutant));
                Assert.NotNull(ReportAttachments.InOctets(mutant));
                Assert.NotEqual(DmarcReport.TryRead(mutant, out var dmarc, out var reason), dmarc is null);
                Assert.Equal(dmarc is null, reason is { Length: > 0 });
                Assert.NotEqual(TlsReport.TryRead(mutant, out var tls, out reason), tls is null);
                Assert.Equal(tls is null, reason is { Length: > 0 });
            }
        }
    }

    private static byte[] Mutate(byte[] octets, Random random)
    {
        var mutant = octets.ToList();
        for (var change = random.Next(1, 8); change > 0 && mutant.Count > 0; change--)
        {
            var at = random.Next(mutant.Count);
            switch (random.Next(4))
            {
                case 0: mutant[at] = (byte)random.Next(256); break;
                case 1: mutant.RemoveRange(at, random.Next(Math.Min(mutant.Count - at, 64))); break;
                case 2: mutant.InsertRange(at, mutant.GetRange(at, random.Next(Math.Min(mutant.Count - at, 64)))); break;
                default: mutant[at] ^= (byte)(1 << random.Next(8)); break;
            }
        }
        return [.. mutant];
    }
}
