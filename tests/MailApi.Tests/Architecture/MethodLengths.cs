using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace MailApi.Tests.Architecture;

/// <summary>How many lines of source each method takes, by the sequence points of the debugging symbols (Portable PDB).</summary>
internal static class MethodLengths
{
    /// <summary>Methods of files under <c>src</c>, async ones by their state machine's, from the first statement to the last.</summary>
    public static IReadOnlyList<(string Where, int Lines)> In(string assemblyPath)
    {
        using var image = new PEReader(File.OpenRead(assemblyPath));
        using var symbols = MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(Path.ChangeExtension(assemblyPath, ".pdb")));
        var (code, source) = (image.GetMetadataReader(), symbols.GetMetadataReader());
        return [.. source.MethodDebugInformation.Select(handle => Measure(source, handle, Name(code, handle))).OfType<(string, int)>()];
    }

    private static string Name(MetadataReader code, MethodDebugInformationHandle handle) => code.GetString(code.GetMethodDefinition(handle.ToDefinitionHandle()).Name);

    private static (string Where, int Lines)? Measure(MetadataReader source, MethodDebugInformationHandle handle, string method)
    {
        var points = source.GetMethodDebugInformation(handle).GetSequencePoints().Where(point => !point.IsHidden).ToList();
        if (points.Count == 0) return null;
        var path = source.GetString(source.GetDocument(points[0].Document).Name).Replace('\\', '/');
        if (!path.Contains("/src/", StringComparison.Ordinal) || path.Contains("/obj/", StringComparison.Ordinal)) return null;
        return ($"{path}:{points.Min(point => point.StartLine)} {method}", method switch
        {
            // Static fields only: tables of data.
            ".cctor" => 0,
            // Field initialisers run in constructors and stand anywhere in the file: what lies between them is not the constructor's.
            ".ctor" => points.SelectMany(point => Enumerable.Range(point.StartLine, point.EndLine - point.StartLine + 1)).Distinct().Count(),
            _ => points.Max(point => point.EndLine) - points.Min(point => point.StartLine) + 1,
        });
    }
}
