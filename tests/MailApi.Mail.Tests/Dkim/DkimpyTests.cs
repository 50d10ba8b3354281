using System.Diagnostics;
using System.Text;
using MailApi.Mail.Tests.Composition;
using Xunit;
using static MailApi.Mail.Tests.Composition.Drafts;

namespace MailApi.Mail.Tests.Dkim;

/// <summary>A verifier that shares no code with ours: Debian's <c>python3-dkim</c>. Skipped only where that is not installed.</summary>
public class DkimpyTests
{
    private const string Python = "/usr/bin/python3";

    // The clock of dkimpy is the machine's: the signatures are made at that time too.
    private const string Script = """
        import dkim, os, sys
        folder, record = sys.argv[1], sys.argv[2].encode()
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as file: message = file.read()
            try: good = dkim.DKIM(message).verify(dnsfunc=lambda name, timeout=5: record)
            except dkim.DKIMException as error: good = error
            print(name, good)
        """;

    [Fact]
    public async Task Signed_messages_verify_in_dkimpy_and_altered_ones_do_not()
    {
        Assert.SkipUnless(File.Exists(Python) && (await Run("-c", "import dkim")).ExitCode == 0, "python3-dkim is not installed");
        var folder = Directory.CreateTempSubdirectory("dkimpy");
        try
        {
            var signer = new MailApi.Mail.Dkim.Signer(Signed.Domain, Signed.Selector, Signed.Key, TimeProvider.System);
            var drafts = Drafts.Random(60).Append(Plain with { To = [Read("小明@例子.中国")], Subject = "您的订单 已发货" }).ToArray();
            for (var i = 0; i < drafts.Length; i++)
            {
                var message = MailApi.Mail.Composition.Composer.Compose(drafts[i]);
                byte[] signed = [.. signer.Sign(message), .. message];
                await Write(folder, $"{i:D3}-good", signed);
                await Write(folder, $"{i:D3}-subject", [.. "Subject: second\r\n"u8, .. signed]);
                await Write(folder, $"{i:D3}-body", [.. signed, .. "x\r\n"u8]);
            }
            var (exitCode, output) = await Run("-c", Script, folder.FullName, Signed.Record);
            Assert.True(exitCode == 0, output);
            var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(3 * drafts.Length, lines.Length);
            Assert.All(lines, line => Assert.Equal(line.Contains("-good ", StringComparison.Ordinal), line.EndsWith(" True", StringComparison.Ordinal)));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Task Write(DirectoryInfo folder, string name, byte[] content) =>
        File.WriteAllBytesAsync(Path.Combine(folder.FullName, name), content, TestContext.Current.CancellationToken);

    private static async Task<(int ExitCode, string Output)> Run(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Python, arguments) { RedirectStandardOutput = true, StandardOutputEncoding = Encoding.UTF8 })!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output);
    }
}
