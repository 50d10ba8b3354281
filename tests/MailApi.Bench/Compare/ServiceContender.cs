namespace MailApi.Bench;

/// <summary>The program of this repository: <c>wrk</c> → <c>POST /send</c> → MX.</summary>
internal sealed class ServiceContender : IContender
{
    private readonly Mode mode;
    private readonly Course course;
    private readonly Template template;

    private ServiceContender(Mode mode, Course course, Installation installation, IReadOnlyDictionary<string, string> keyRecords, string setup)
    {
        (this.mode, this.course, Installation, KeyRecords) = (mode, course, installation, keyRecords);
        (template, Setup) = (new Template(course.SizeBytes), setup);
    }

    public Installation Installation { get; }
    public string Name => $"MailApi, {mode.ToString().ToLowerInvariant()}";
    public string Setup { get; }
    public IReadOnlyDictionary<string, string> KeyRecords { get; }
    public IEnumerable<(string Name, int Pid)> Processes => Installation.Processes;

    public static async Task<ServiceContender> Start(Mode mode, Course course, IReadOnlyDictionary<string, string> settings)
    {
        var installation = await Installation.Start(mode, course.SinkPort, course.Domains, settings);
        await installation.Register(course.Domains, domainsOfEach: 1);
        return new ServiceContender(mode, course, installation, await installation.KeyRecords(), await Describe(mode, settings));
    }

    public Generator Send(int messages, string label) => Generator.Wrk(Installation, template, messages, recipients: 1, course.Connections, label);

    public Task WaitUntilRecorded() => Installation.WaitUntilRecorded();

    public ValueTask DisposeAsync() => Installation.DisposeAsync();

    private static async Task<string> Describe(Mode mode, IReadOnlyDictionary<string, string> settings)
    {
        var parts = mode == Mode.Embedded
            ? "one process, SQLite with `synchronous=FULL`"
            : $"one node, PostgreSQL {await Programs.Version("postgresql")} with `synchronous_commit=on`, RabbitMQ {await Programs.Version("rabbitmq-server")} with quorum queues, Redis {await Programs.Version("redis-server")}";
        var set = settings.Count == 0 ? "" : $"; set: {string.Join(", ", settings.Select(it => $"`{it.Key}={it.Value}`"))}";
        return $"{parts}; `wrk` {await Programs.Version("wrk")} posts, a `202` is a commit; MX records are looked up; tenants and domains without rate limits{set}";
    }
}
