using System.Text.Json;
using Xunit;

namespace MailApi.Integration.Tests.Packaging;

/// <summary>What is in a published program: for whoever must know whether a hole found in a package concerns them.</summary>
public sealed class BillOfMaterialsTests
{
    [Fact]
    public void It_lists_every_package_that_the_lock_files_name()
    {
        // tests/run.sh publishes it with the program.
        var bill = JsonDocument.Parse(Command.Read("artifacts/publish/bom.json")).RootElement;
        Assert.Equal("CycloneDX", bill.GetProperty("bomFormat").GetString());
        var listed = bill.GetProperty("components").EnumerateArray().ToDictionary(it => it.GetProperty("name").GetString()!, it => it.GetProperty("version").GetString());
        var locked = Locked("src/MailApi/packages.lock.json").Concat(Locked("src/MailApi.Mail/packages.lock.json")).Distinct().ToList();
        Assert.True(locked.Count > 30, $"{locked.Count} packages");
        Assert.All(locked, package => Assert.Equal(package.Version, listed.GetValueOrDefault(package.Name)));
        Assert.Empty(listed.Keys.Except(locked.Select(package => package.Name)));
        Assert.All(bill.GetProperty("components").EnumerateArray(), it => Assert.True(it.TryGetProperty("hashes", out _) && it.TryGetProperty("purl", out _)));
    }

    [Fact]
    public void The_bill_is_that_of_this_version()
    {
        var component = JsonDocument.Parse(Command.Read("artifacts/publish/bom.json")).RootElement.GetProperty("metadata").GetProperty("component");
        Assert.Equal("MailApi", component.GetProperty("name").GetString());
        Assert.Contains($"<Version>{component.GetProperty("version").GetString()}</Version>", Command.Read("Directory.Build.props"), StringComparison.Ordinal);
    }

    private static IEnumerable<(string Name, string Version)> Locked(string path) =>
        from framework in JsonDocument.Parse(Command.Read(path)).RootElement.GetProperty("dependencies").EnumerateObject()
        from package in framework.Value.EnumerateObject()
        where package.Value.GetProperty("type").GetString() != "Project"
        select (package.Name, package.Value.GetProperty("resolved").GetString()!);
}
