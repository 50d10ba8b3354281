using System.Text.Json.Nodes;
using System.Xml.Linq;
using Xunit;

namespace MailApi.Integration.Tests.Packaging;

public sealed class KubernetesTests
{
    public static TheoryData<string> Overlays => ["all-in-one", "distributed"];

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task No_container_is_root_or_can_become_it_or_change_its_files(string overlay)
    {
        Assert.All((await Manifests.Build(overlay)).Workloads, workload =>
        {
            var (pod, container) = (workload.Pod, workload.Container);
            Assert.Equal("true", pod.Text("securityContext", "runAsNonRoot"));
            Assert.NotEqual("0", pod.Text("securityContext", "runAsUser") ?? "0");
            Assert.Equal("RuntimeDefault", pod.Text("securityContext", "seccompProfile", "type"));
            Assert.Equal("false", pod.Text("automountServiceAccountToken"));
            Assert.Equal("false", container.Text("securityContext", "allowPrivilegeEscalation"));
            Assert.Equal("true", container.Text("securityContext", "readOnlyRootFilesystem"));
            Assert.Equal(["ALL"], container.List("securityContext", "capabilities", "drop").Select(name => (string)name!));
            Assert.Null(container.At("securityContext", "capabilities", "add"));
            Assert.Null(pod["initContainers"]);
            Assert.True(pod["hostNetwork"] is null && pod["hostPID"] is null && pod["hostIPC"] is null);
        });
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Every_container_is_probed_and_bounded_and_has_room_to_write(string overlay)
    {
        Assert.All((await Manifests.Build(overlay)).Workloads, workload =>
        {
            var container = workload.Container;
            Assert.NotNull(container["livenessProbe"]);
            Assert.NotNull(container["readinessProbe"]);
            Assert.NotNull(container.Text("resources", "requests", "cpu"));
            Assert.NotNull(container.Text("resources", "requests", "memory"));
            Assert.NotNull(container.Text("resources", "limits", "memory"));

            var volumes = workload.Pod.List("volumes").Select(volume => volume.Text("name"))
                .Concat(workload.Spec.List("volumeClaimTemplates").Select(claim => claim.Text("metadata", "name"))).ToList();
            Assert.Equal(volumes.Order(), container.List("volumeMounts").Select(mount => mount.Text("name")).Order());
            Assert.Contains(container.List("volumeMounts"), mount => mount.Text("mountPath") == "/tmp");
        });
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Nothing_can_be_written_but_data_and_scratch(string overlay)
    {
        Assert.All((await Manifests.Build(overlay)).Workloads.Where(workload => workload.IsMailApi), workload =>
        {
            Assert.Equal("true", workload.Container.Text("securityContext", "readOnlyRootFilesystem"));
            Assert.Equal(["/data", "/tmp"], workload.Container.List("volumeMounts").Where(mount => mount.Text("readOnly") != "true").Select(mount => mount.Text("mountPath")).Order());
            Assert.All(workload.Pod.List("volumes"), volume => Assert.Null(volume["hostPath"]));
            // What is not kept has an end.
            Assert.All(workload.Pod.List("volumes").Where(volume => volume["emptyDir"] is not null), volume => Assert.NotNull(volume.Text("emptyDir", "sizeLimit")));
        });
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task MailApi_is_asked_on_its_management_port_and_given_time_to_end(string overlay)
    {
        Assert.All((await Manifests.Build(overlay)).Workloads.Where(workload => workload.IsMailApi), workload =>
        {
            Assert.Equal("8081", workload.Container.List("ports").Single(port => port.Text("name") == "management").Text("containerPort"));
            Assert.Equal("/health/live", workload.Container.Text("livenessProbe", "httpGet", "path"));
            Assert.Equal("/health/ready", workload.Container.Text("readinessProbe", "httpGet", "path"));
            Assert.Equal("management", workload.Container.Text("livenessProbe", "httpGet", "port"));
            Assert.Equal("management", workload.Container.Text("readinessProbe", "httpGet", "port"));
            Assert.NotNull(workload.Container["startupProbe"]);
            Assert.Equal("90", workload.Pod.Text("terminationGracePeriodSeconds"));
        });
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Secrets_are_referred_to_and_not_in_here(string overlay)
    {
        var manifests = await Manifests.Build(overlay);
        Assert.Empty(manifests.OfKind("Secret"));
        Assert.All(manifests.Workloads.Where(workload => workload.IsMailApi), workload =>
        {
            Assert.Contains(workload.Container.List("envFrom"), source => source.Text("secretRef", "name") == "mailapi");
            Assert.Empty(manifests.Configuration(workload).Keys.Except([.. ConfigurationKeys.Distributed, .. ConfigurationKeys.Receive]));
        });
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Images_are_pinned_and_ours_is_this_version(string overlay)
    {
        var version = XDocument.Parse(Command.Read("Directory.Build.props")).Descendants("Version").Single().Value;
        Assert.All((await Manifests.Build(overlay)).Workloads, workload =>
        {
            Assert.Matches(@":\d+\.\d+[\w.-]*$", workload.Container.Text("image"));
            if (workload.IsMailApi) Assert.Equal($"mailapi:{version}", workload.Container.Text("image"));
        });
        Assert.Contains($"image: mailapi:{version}\n", Command.Read("docker-compose.yml"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_in_one_is_one_pod_with_its_own_volume_and_every_role()
    {
        var manifests = await Manifests.Build("all-in-one");
        var workload = Assert.Single(manifests.Workloads);
        Assert.Equal(("StatefulSet", "1"), (workload.Kind, workload.Spec.Text("replicas")));
        Assert.Equal("ReadWriteOnce", workload.Spec.Text("volumeClaimTemplates", 0, "spec", "accessModes", 0));
        Assert.Equal(ConfigurationKeys.Listeners.Append("Delivery__HeloName").Order(), manifests.Configuration(workload).Keys.Order());
        Assert.Empty(manifests.OfKind("HorizontalPodAutoscaler"));
    }

    [Fact]
    public async Task Distributed_is_one_deployment_a_role_on_the_three_servers()
    {
        var manifests = await Manifests.Build("distributed");
        Assert.Equal([("api", "Api"), ("deliver", "Deliver"), ("receive", "Receive"), ("webhook", "Webhook")],
            manifests.Workloads.Where(workload => workload.Kind == "Deployment").Select(workload => (workload.Name, manifests.Configuration(workload)["Roles"])).Order());
        Assert.Equal(["postgresql", "rabbitmq", "redis"], manifests.Workloads.Where(workload => workload.Kind == "StatefulSet").Select(workload => workload.Name).Order());
        Assert.All(manifests.Workloads.Where(workload => workload.IsMailApi), workload =>
        {
            var settings = manifests.Configuration(workload);
            Assert.Equal(("PostgreSql", "RabbitMq", "Redis"), (settings["Store__Provider"], settings["Bus__Transport"], settings["Limits__Backend"]));
        });
    }

    [Fact]
    public async Task Drained_nodes_and_new_versions_leave_every_role_running()
    {
        var manifests = await Manifests.Build("distributed");
        Assert.All(manifests.Workloads.Where(workload => workload.IsMailApi), workload =>
        {
            Assert.Equal("0", workload.Spec.Text("strategy", "rollingUpdate", "maxUnavailable"));
            var budget = Assert.Single(manifests.OfKind("PodDisruptionBudget"), budget => Selects(budget.At("spec", "selector"), workload));
            Assert.Equal("1", budget.Text("spec", "maxUnavailable"));

            var scaler = manifests.OfKind("HorizontalPodAutoscaler").SingleOrDefault(scaler => scaler.Text("spec", "scaleTargetRef", "name") == workload.Name);
            // A replica count beside an autoscaler would undo its work at every apply.
            Assert.Equal(scaler is null, workload.Spec["replicas"] is not null);
            Assert.InRange(int.Parse(workload.Spec.Text("replicas") ?? scaler.Text("spec", "minReplicas")!), 2, 8);
        });
        Assert.Equal(["api", "deliver"], manifests.OfKind("HorizontalPodAutoscaler").Select(scaler => scaler.Text("spec", "scaleTargetRef", "name")).Order());
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task The_service_leads_to_the_api_alone(string overlay)
    {
        var manifests = await Manifests.Build(overlay);
        var service = manifests.OfKind("Service").Single(service => service.Text("metadata", "name") == "mailapi");
        var behind = manifests.Workloads.Where(workload => service.Map("spec", "selector").All(label => workload.Labels.GetValueOrDefault(label.Key) == label.Value));
        Assert.Equal([overlay == "distributed" ? "api" : "mailapi"], behind.Select(workload => workload.Name));
        Assert.Equal(["http"], service.List("spec", "ports").Select(port => port.Text("targetPort")));
        Assert.All(manifests.OfKind("Service").Where(each => each.Text("metadata", "name") != "mailapi-smtp"), each => Assert.Contains(each.Text("spec", "type"), (string?[])[null, "ClusterIP"]));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task SMTP_leads_to_what_receives_on_the_ports_that_it_listens_on_and_shows_who_comes(string overlay)
    {
        var manifests = await Manifests.Build(overlay);
        var service = manifests.OfKind("Service").Single(service => service.Text("metadata", "name") == "mailapi-smtp");
        Assert.Equal(("LoadBalancer", "Local"), (service.Text("spec", "type"), service.Text("spec", "externalTrafficPolicy")));
        var behind = Assert.Single(manifests.Workloads, workload => service.Map("spec", "selector").All(label => workload.Labels.GetValueOrDefault(label.Key) == label.Value));
        Assert.Equal(overlay == "distributed" ? "receive" : "mailapi", behind.Name);
        var ports = behind.Container.List("ports").ToDictionary(port => port.Text("name")!, port => port.Text("containerPort"));
        var settings = manifests.Configuration(behind);
        (string Name, string Port, string Key)[] listeners = [("smtp", "25", "Receive__Smtp"), ("submission", "587", "Receive__Submission"), ("submission-tls", "465", "Receive__SubmissionTls")];
        Assert.Equal(listeners.Select(listener => (listener.Name, listener.Port)), service.List("spec", "ports").Select(port => (port.Text("targetPort"), port.Text("port")))!);
        Assert.All(listeners, listener => Assert.Equal($"0.0.0.0:{ports[listener.Name]}", settings[listener.Key]));
    }

    private static bool Selects(JsonNode? selector, Workload workload) => selector.Map("matchLabels").All(label => workload.Labels.GetValueOrDefault(label.Key) == label.Value);
}
