using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Xunit;

namespace MailApi.Integration.Tests.Packaging;

/// <summary>
/// A package with a known vulnerability stops the restore, and with it every build. The advisory comes from a source of this test's own,
/// in NuGet's protocol (VulnerabilityInfo/6.7.0), because not every package source has them.
/// </summary>
public sealed class PackageAuditTests : IAsyncLifetime
{
    /// <summary>A package that this project does not use, and the versions that its advisory names (GHSA-5crp-9r3c-p9vr).</summary>
    private const string Package = "Newtonsoft.Json";
    private const string Affected = "(, 13.0.1)";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mailapi-audit-");
    private WebApplication? advisories;
    private int severity = 2;

    public async ValueTask InitializeAsync()
    {
        advisories = await StartAdvisories();
        // The settings under test are the repository's own.
        foreach (var file in new[] { "Directory.Build.props", "Directory.Packages.props", "BannedSymbols.txt", "global.json" })
            File.Copy(Path.Combine(Command.Root, file), Path.Combine(folder.FullName, file));
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "NuGet.config"), $"""
            <configuration>
              <auditSources>
                <clear />
                <add key="advisories" value="{advisories.Urls.Single()}/index.json" allowInsecureConnections="true" />
              </auditSources>
            </configuration>
            """);
    }

    [Theory]
    [InlineData(0, "NU1901")]
    [InlineData(1, "NU1902")]
    [InlineData(2, "NU1903")]
    [InlineData(3, "NU1904")]
    public async Task A_version_with_a_known_vulnerability_of_any_severity_fails_the_restore(int known, string error)
    {
        severity = known;
        var ending = await Restore("12.0.1");
        Assert.NotEqual(0, ending.Code);
        Assert.Contains($"error {error}", ending.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_without_one_is_restored()
    {
        var ending = await Restore("13.0.3");
        Assert.True(ending.Code == 0, ending.Output);
    }

    public async ValueTask DisposeAsync()
    {
        if (advisories is not null) await advisories.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private async Task<Ending> Restore(string version)
    {
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "Audited.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <ItemGroup>
                <PackageVersion Include="{Package}" Version="{version}" />
                <PackageReference Include="{Package}" />
              </ItemGroup>
            </Project>
            """);
        return await Command.Run("dotnet", ["restore", "Audited.csproj"], folder.FullName,
            new Dictionary<string, string?> { ["NUGET_HTTP_CACHE_PATH"] = Path.Combine(folder.FullName, "cache") });
    }

    private async Task<WebApplication> StartAdvisories()
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        string Address(string path) => $"{app.Urls.Single()}/{path}";
        app.MapGet("/index.json", () => Results.Text($$"""
            { "version": "3.0.0", "resources": [{ "@id": "{{Address("vulnerabilities.json")}}", "@type": "VulnerabilityInfo/6.7.0" }] }
            """, "application/json"));
        app.MapGet("/vulnerabilities.json", () => Results.Text($$"""
            [{ "@name": "base", "@id": "{{Address("base.json")}}", "@updated": "2026-01-01T00:00:00Z", "comment": "" }]
            """, "application/json"));
        app.MapGet("/base.json", () => Results.Text($$"""
            { "{{Package.ToLowerInvariant()}}": [{ "url": "https://github.com/advisories/GHSA-5crp-9r3c-p9vr", "severity": {{severity}}, "versions": "{{Affected}}" }] }
            """, "application/json"));
        await app.StartAsync();
        return app;
    }
}
