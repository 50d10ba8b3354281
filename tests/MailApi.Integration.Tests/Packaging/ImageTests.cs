using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace MailApi.Integration.Tests.Packaging;

/// <summary>What of the Dockerfile can be run without a container engine.</summary>
public sealed partial class ImageTests
{
    [Theory]
    [InlineData("HTTP/1.1 200 OK", 0)]
    [InlineData("HTTP/1.1 503 Service Unavailable", 1)]
    [InlineData("", 1)]
    public async Task The_health_check_goes_by_the_status_of_readiness(string answer, int code)
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var check = Check(((IPEndPoint)server.LocalEndpoint).Port);
        using var client = await server.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        var request = await new StreamReader(stream).ReadLineAsync(TestContext.Current.CancellationToken);
        if (answer.Length > 0) await stream.WriteAsync(Encoding.ASCII.GetBytes(answer + "\r\n\r\n"), TestContext.Current.CancellationToken);
        client.Close();

        Assert.Equal("GET /health/ready HTTP/1.0", request);
        Assert.Equal(code, (await check).Code);
    }

    [Fact]
    public async Task The_health_check_fails_where_nobody_listens()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var port = ((IPEndPoint)server.LocalEndpoint).Port;
        server.Stop();
        Assert.NotEqual(0, (await Check(port)).Code);
    }

    [Fact]
    public async Task What_is_copied_before_the_restore_is_enough_for_it()
    {
        var context = Directory.CreateTempSubdirectory("mailapi-image-");
        try
        {
            var before = Command.Read("Dockerfile").Split("\nRUN dotnet restore")[0];
            foreach (Match copy in CopyLine().Matches(before))
            {
                var words = copy.Groups[1].Value.Split(' ');
                foreach (var source in words[..^1])
                {
                    var target = Path.Combine(context.FullName, words[^1], Path.GetFileName(source));
                    Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                    File.Copy(Path.Combine(Command.Root, source), target);
                }
            }
            var ending = await Command.Run("dotnet", ["restore", "src/MailApi/MailApi.csproj", "--locked-mode"], context.FullName);
            Assert.True(ending.Code == 0, ending.Output);
        }
        finally
        {
            context.Delete(recursive: true);
        }
    }

    private static Task<Ending> Check(int port)
    {
        var command = JsonSerializer.Deserialize<string[]>(HealthCheck().Match(Command.Read("Dockerfile")).Groups[1].Value)!;
        Assert.Contains("/8081 ", command[^1], StringComparison.Ordinal);
        return Command.Run(command[0], [.. command[1..^1], command[^1].Replace("/8081 ", $"/{port} ", StringComparison.Ordinal)]);
    }

    [GeneratedRegex(@"^HEALTHCHECK[^\n]*\\\n\s*CMD (\[[^\n]*\])$", RegexOptions.Multiline)]
    private static partial Regex HealthCheck();

    [GeneratedRegex(@"^COPY (.+)$", RegexOptions.Multiline)]
    private static partial Regex CopyLine();
}
