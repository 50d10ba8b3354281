using System.Collections.Frozen;
using MailApi.Hosting;
using MailApi.Testing.Fuzzing;
using Microsoft.Extensions.DependencyInjection;

namespace MailApi.Bench.Fuzz.Service;

/// <summary>What of the service is fuzzed, by name. MailApi.Tests runs each of them for a moment, <c>fuzz</c> for as long as it is told.</summary>
internal static class ServiceTargets
{
    /// <summary>Put together as the program is, and never started.</summary>
    private static readonly Lazy<IServiceProvider> Services = new(() => MailApiHost.Build(["--DataDirectory=/nonexistent", "--Admin:Key=operator-key-of-the-tests-0123456789abcdef"]).Services);

    public static readonly FrozenDictionary<string, Func<FuzzTarget>> All = new Dictionary<string, Func<FuzzTarget>>
    {
        ["send"] = () => new FuzzTarget { Name = "send", Seeds = SendTarget.Seeds, Try = new SendTarget(Services.Value).Try, Words = SendTarget.Words },
        ["submission-fields"] = () => new FuzzTarget { Name = "submission-fields", Seeds = InstructionsTarget.Seeds, Try = new InstructionsTarget(Services.Value).Try, Words = InstructionsTarget.Words },
        ["csv"] = () => new FuzzTarget { Name = "csv", Seeds = CsvTarget.Seeds, Try = CsvTarget.Try, Words = CsvTarget.Words },
        ["token"] = () => new FuzzTarget { Name = "token", Seeds = TokenTarget.Seeds, Try = TokenTarget.Try, Words = TokenTarget.Words },
        ["token-answer"] = () => new FuzzTarget { Name = "token-answer", Seeds = TokenAnswerTarget.Seeds, Try = TokenAnswerTarget.Try, Words = TokenAnswerTarget.Words },
        ["sandbox"] = () => new FuzzTarget { Name = "sandbox", Seeds = SandboxTarget.Seeds, Try = SandboxTarget.Try, Words = SandboxTarget.Words },
        ["webhook-url"] = () => new FuzzTarget { Name = "webhook-url", Seeds = UrlTarget.Seeds, Try = UrlTarget.Try, Words = UrlTarget.Words },
    }.ToFrozenDictionary();
}
