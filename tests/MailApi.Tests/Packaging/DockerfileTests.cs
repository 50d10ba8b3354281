using System.Text.RegularExpressions;
using System.Xml.Linq;
using MailApi.Tests.Architecture;
using Xunit;

namespace MailApi.Tests.Packaging;

public sealed partial class DockerfileTests
{
    private const string Project = "src/MailApi/MailApi.csproj";

    /// <summary>What decides a restore, wherever a project stands.</summary>
    private static readonly string[] RestoreSettings = ["global.json", "Directory.Build.props", "Directory.Packages.props"];

    private static readonly string[] Known = ["FROM", "WORKDIR", "COPY", "RUN", "ENV", "VOLUME", "EXPOSE", "USER", "HEALTHCHECK", "ENTRYPOINT"];

    [Fact]
    public void Every_line_is_an_instruction()
    {
        Assert.Empty(Dockerfile.Instructions.Select(instruction => instruction.Name).Except(Known));
        Assert.Equal("FROM", Dockerfile.Instructions[0].Name);
    }

    [Fact]
    public void Base_images_are_pinned_to_a_version()
    {
        var images = Dockerfile.Instructions.Where(instruction => instruction.Name == "FROM").Select(instruction => instruction.Words[0]).ToList();
        Assert.Equal(2, images.Count);
        Assert.All(images, image => Assert.Matches(PinnedImage(), image));
    }

    [Fact]
    public void The_image_runs_as_a_user_that_a_cluster_can_see_is_not_root()
    {
        var user = Assert.Single(Dockerfile.Shipped, instruction => instruction.Name == "USER");
        Assert.Matches(@"^[1-9]\d*:[1-9]\d*$", user.Arguments);
        Assert.DoesNotContain(Dockerfile.Shipped, instruction => instruction.Name == "RUN");
        var data = Assert.Single(Dockerfile.Shipped, instruction => instruction.Name == "COPY" && instruction.Words[^1] == "/data");
        Assert.Contains($"--chown={user.Arguments} ", data.Arguments, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_of_the_image_can_be_written_but_its_data()
    {
        var copies = Dockerfile.Shipped.Where(instruction => instruction.Name == "COPY").ToList();
        Assert.Single(copies, copy => copy.Arguments.Contains("--chown", StringComparison.Ordinal));
        Assert.DoesNotContain(copies, copy => copy.Arguments.Contains("--chmod", StringComparison.Ordinal));
        Assert.Equal(["/data"], Dockerfile.Shipped.Where(instruction => instruction.Name == "VOLUME").SelectMany(instruction => instruction.Words));
    }

    [Fact]
    public void The_restore_is_locked_and_sees_every_project_lock_file_and_setting_that_it_needs()
    {
        var restore = Dockerfile.Instructions.ToList().FindIndex(instruction => instruction is { Name: "RUN" } && instruction.Arguments.StartsWith("dotnet restore", StringComparison.Ordinal));
        Assert.Contains("--locked-mode", Dockerfile.Instructions[restore].Arguments, StringComparison.Ordinal);

        var copied = Dockerfile.Instructions.Take(restore).Where(instruction => instruction.Name == "COPY").SelectMany(copy => copy.Words[..^1]).ToHashSet();
        var needed = Closure(Project).SelectMany(project => new[] { project, $"{Path.GetDirectoryName(project)!.Replace('\\', '/')}/packages.lock.json" }).Concat(RestoreSettings);
        Assert.Empty(needed.Except(copied));
    }

    [Fact]
    public void What_is_copied_exists_and_is_not_ignored()
    {
        var admitted = Repository.Read(".dockerignore").Split('\n').Where(line => line.StartsWith('!')).Select(line => line[1..]).ToList();
        var sources = Dockerfile.Instructions.Where(instruction => instruction.Name == "COPY" && !instruction.Arguments.Contains("--from=", StringComparison.Ordinal)).SelectMany(copy => copy.Words[..^1]);
        Assert.All(sources, source =>
        {
            Assert.True(Path.Exists(Path.Combine(Repository.Root, source)), $"{source} does not exist.");
            Assert.Contains(admitted, pattern => source.TrimEnd('/') == pattern || source.StartsWith(pattern + "/", StringComparison.Ordinal));
        });
    }

    [Fact]
    public void No_secret_is_built_in()
    {
        var settings = Dockerfile.Instructions.Where(instruction => instruction.Name is "ENV" or "ARG").Select(instruction => instruction.Arguments);
        Assert.All(settings, setting => Assert.DoesNotMatch("(?i)key|password|secret|token|connection", setting));
    }

    [Fact]
    public void Addresses_and_the_data_directory_are_those_that_are_exposed()
    {
        var environment = Assert.Single(Dockerfile.Shipped, instruction => instruction.Name == "ENV").Arguments.Split(' ');
        Assert.Contains("Urls=http://+:8080", environment);
        Assert.Contains("Management__Urls=http://+:8081", environment);
        Assert.Contains("DataDirectory=/data", environment);
        Assert.Contains(new Instruction("EXPOSE", "8080 8081"), Dockerfile.Shipped);
        Assert.Contains(new Instruction("VOLUME", "/data"), Dockerfile.Shipped);
    }

    private static IEnumerable<string> Closure(string project)
    {
        var folder = Path.GetDirectoryName(project)!;
        return XDocument.Parse(Repository.Read(project)).Descendants("ProjectReference")
            .Select(reference => Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(Repository.Root, folder, reference.Attribute("Include")!.Value))).Replace('\\', '/'))
            .SelectMany(Closure).Prepend(project).Distinct();
    }

    [GeneratedRegex(@"^[\w./-]+:\d+\.\d+[\w.-]*$")]
    private static partial Regex PinnedImage();
}
