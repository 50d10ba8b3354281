using System.Text.Json.Nodes;

namespace MailApi.Integration.Tests.Packaging;

/// <summary>A Deployment or StatefulSet, by what its pods are.</summary>
internal sealed record Workload(string Kind, string Name, JsonNode Spec)
{
    public JsonNode Pod => Spec.At("template", "spec")!;
    public Dictionary<string, string> Labels => Spec.Map("template", "metadata", "labels");
    public JsonNode Container => Pod.List("containers").Single();
    public bool IsMailApi => Labels["app.kubernetes.io/name"] == "mailapi";

    /// <summary>Numbers of the ports that the container declares.</summary>
    public IEnumerable<int> Ports => Container.List("ports").Select(port => int.Parse(port.Text("containerPort")!));
}

/// <summary>What an overlay is once built.</summary>
internal sealed class Manifests
{
    private readonly List<JsonObject> documents;

    private Manifests(List<JsonObject> documents) => this.documents = documents;

    public IEnumerable<Workload> Workloads => from document in documents
                                              let kind = document.Text("kind")
                                              where kind is "Deployment" or "StatefulSet" or "DaemonSet" or "Job" or "CronJob" or "Pod"
                                              select new Workload(kind, document.Text("metadata", "name")!, document["spec"]!);

    public IEnumerable<JsonObject> OfKind(string kind) => documents.Where(document => document.Text("kind") == kind);

    public Workload Workload(string name) => Workloads.Single(workload => workload.Name == name);

    public static async Task<Manifests> Build(string overlay)
    {
        var ending = await Command.Run("kubectl", ["kustomize", $"k8s/overlays/{overlay}"]);
        return ending.Code == 0 ? new Manifests(Yaml.Documents(ending.Output)) : throw new InvalidOperationException(ending.Output);
    }

    /// <summary>The configuration that a container is given: its ConfigMap's and its own.</summary>
    public Dictionary<string, string> Configuration(Workload workload)
    {
        var map = workload.Container.List("envFrom").Select(source => source.Text("configMapRef", "name")).OfType<string>().Single();
        var settings = OfKind("ConfigMap").Single(document => document.Text("metadata", "name") == map).Map("data");
        foreach (var variable in workload.Container.List("env")) settings[variable.Text("name")!] = variable.Text("value")!;
        return settings;
    }
}
