using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace MailApi.Integration.Tests.Packaging;

public sealed partial class ComposeTests
{
    private static readonly string[] Required =
    [
        "MAILAPI_ADMIN_KEY", "MAILAPI_KEY_ENCRYPTION_KEY", "MAILAPI_POSTGRESQL_PASSWORD", "MAILAPI_RABBITMQ_PASSWORD", "MAILAPI_REDIS_PASSWORD", "MAILAPI_HELO_NAME",
    ];

    private static readonly Dictionary<string, string> Roles = new() { ["api"] = "Api", ["deliver"] = "Deliver", ["webhook"] = "Webhook", ["receive"] = "Receive" };
    private static readonly string[] Servers = ["postgresql", "rabbitmq", "redis"];

    private readonly JsonObject services = Yaml.Documents(Command.Read("docker-compose.yml")).Single()["services"]!.AsObject();

    public static TheoryData<string> RequiredVariables => [.. Required];

    [Fact]
    public async Task Compose_accepts_the_file_when_everything_required_is_set()
    {
        var ending = await Config(missing: null);
        Assert.True(ending.Code == 0, ending.Output);
        Assert.Equal("amqp://mailapi:value-of-MAILAPI_RABBITMQ_PASSWORD@rabbitmq:5672",
            Yaml.Documents(ending.Output).Single().Text("services", "deliver", "environment", "Bus__RabbitMq"));
    }

    [Theory]
    [MemberData(nameof(RequiredVariables))]
    public async Task Compose_refuses_to_start_without_what_is_required_and_names_it(string variable)
    {
        var ending = await Config(missing: variable);
        Assert.NotEqual(0, ending.Code);
        Assert.Contains($"set {variable}", ending.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_role_is_a_service_and_nothing_else_runs_but_the_three_servers()
    {
        Assert.Equal(Roles.Keys.Concat(Servers).Order(), services.Select(service => service.Key).Order());
        foreach (var (name, role) in Roles)
        {
            var environment = services[name].Map("environment");
            Assert.Equal(role, environment["Roles"]);
            string[] own = role switch { "Receive" => ConfigurationKeys.Receive, "Api" => ["TrustedProxies__0"], _ => [] };
            Assert.Equal(ConfigurationKeys.Distributed.Union(own).Order(), environment.Keys.Order());
        }
    }

    [Fact]
    public void The_api_is_published_to_this_machine_SMTP_to_all_and_nothing_else()
    {
        var published = services.SelectMany(service => service.Value.List("ports").Select(port => (service.Key, (string)port!)));
        Assert.Equal([("api", "127.0.0.1:8080:8080"), ("receive", "25:8025"), ("receive", "465:8465"), ("receive", "587:8587")], published.Order());
        Assert.Equal(["0.0.0.0:8025", "0.0.0.0:8587", "0.0.0.0:8465"], ConfigurationKeys.Listeners.Select(key => services.Text("receive", "environment", key)));
    }

    [Fact]
    public void Servers_are_on_a_network_without_a_way_out()
    {
        var file = Yaml.Documents(Command.Read("docker-compose.yml")).Single();
        Assert.Equal("true", file.Text("networks", "servers", "internal"));
        Assert.All(Servers, server => Assert.Equal(["servers"], services[server].List("networks").Select(network => (string)network!)));
    }

    [Fact]
    public void Everything_waits_until_what_it_needs_is_healthy()
    {
        Assert.All(Servers, server => Assert.NotEmpty(services[server].List("healthcheck", "test")));
        Assert.All(Roles.Keys, name =>
        {
            var needs = services[name]!["depends_on"]!.AsObject();
            Assert.All(Servers, server => Assert.Equal("service_healthy", needs.Text(server, "condition")));
            // The image's own check answers for MailApi.
            Assert.Null(services[name]!["healthcheck"]);
        });
    }

    [Fact]
    public void Secrets_come_from_the_environment_and_no_one_is_guest()
    {
        var secrets = from service in services
                      from setting in service.Value.Map("environment")
                      where SecretName().IsMatch(setting.Key)
                      select setting;
        Assert.All(secrets, setting => Assert.Matches(@"\$\{MAILAPI_\w+:\?", setting.Value));
        Assert.Equal(Roles.Count * 5 + Servers.Length, secrets.Count());
        Assert.Equal("mailapi", services.Text("rabbitmq", "environment", "RABBITMQ_DEFAULT_USER"));
    }

    [Fact]
    public void Containers_of_ours_have_no_rights_and_a_fixed_file_system()
    {
        Assert.All(Roles.Keys.Append("redis"), name =>
        {
            Assert.Equal("true", services.Text(name, "read_only"));
            Assert.Equal("ALL", services.Text(name, "cap_drop", 0));
            Assert.Equal("no-new-privileges:true", services.Text(name, "security_opt", 0));
        });
        Assert.All(Roles.Keys, name => Assert.Equal("90s", services.Text(name, "stop_grace_period")));
    }

    [Fact]
    public void Images_are_pinned_to_a_version()
    {
        Assert.All(services, service => Assert.Matches(@":\d+\.\d+[\w.-]*$", service.Value.Text("image")));
    }

    private static Task<Ending> Config(string? missing) => Command.Run("docker-compose", ["--file", "docker-compose.yml", "config"],
        environment: Required.ToDictionary(name => name, name => name == missing ? null : "value-of-" + name));

    [GeneratedRegex("Key$|ConnectionString$|RabbitMq$|Redis$|PASS")]
    private static partial Regex SecretName();
}
