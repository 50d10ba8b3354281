using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace MailApi.Tests.Architecture;

/// <summary>A type as metadata names it; nested types go under their outermost one's name.</summary>
internal readonly record struct TypeName(string Assembly, string Namespace, string Name)
{
    public override string ToString() => Namespace.Length == 0 ? Name : $"{Namespace}.{Name}";
}

/// <summary>
/// Who uses whom, read from an assembly's metadata and instructions (ECMA-335): bases, interfaces, fields, signatures, locals,
/// attributes, constraints, and every token in a method's body. What a using directive or a qualified name looks like plays no part.
/// Constants are copied by the compiler and leave no trace.
/// </summary>
internal sealed class CompiledCode : IDisposable
{
    private readonly PEReader image;
    private readonly MetadataReader metadata;
    private readonly TypeNames names;

    public CompiledCode(string path)
    {
        image = new PEReader(File.OpenRead(path));
        metadata = image.GetMetadataReader();
        names = new TypeNames(metadata);
    }

    /// <summary>Each outermost type with the types it uses, those that its nested types and lambdas use included.</summary>
    public IReadOnlyDictionary<TypeName, HashSet<TypeName>> Uses()
    {
        var uses = new Dictionary<TypeName, HashSet<TypeName>>();
        foreach (var handle in metadata.TypeDefinitions)
        {
            var user = names.Of(handle);
            if (!uses.TryGetValue(user, out var used)) uses[user] = used = [];
            used.UnionWith(Of(metadata.GetTypeDefinition(handle)));
            used.Remove(user);
        }
        return uses;
    }

    public IEnumerable<string> ReferencedAssemblies() =>
        metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name));

    public void Dispose() => image.Dispose();

    private List<TypeName> Of(TypeDefinition type)
    {
        var entities = new List<EntityHandle> { type.BaseType };
        entities.AddRange(type.GetInterfaceImplementations().Select(handle => metadata.GetInterfaceImplementation(handle).Interface));
        entities.AddRange(Attributes(type.GetCustomAttributes()));
        entities.AddRange(Constraints(type.GetGenericParameters()));
        var found = entities.SelectMany(names.In).ToList();
        foreach (var handle in type.GetFields())
        {
            var field = metadata.GetFieldDefinition(handle);
            found.AddRange(field.DecodeSignature(names, null));
            found.AddRange(Attributes(field.GetCustomAttributes()).SelectMany(names.In));
        }
        foreach (var handle in type.GetMethods()) found.AddRange(Of(metadata.GetMethodDefinition(handle)));
        return found;
    }

    private List<TypeName> Of(MethodDefinition method)
    {
        var found = TypeNames.All(method.DecodeSignature(names, null)).ToList();
        var entities = Attributes(method.GetCustomAttributes()).Concat(Constraints(method.GetGenericParameters())).ToList();
        if (method.RelativeVirtualAddress != 0)
        {
            var body = image.GetMethodBody(method.RelativeVirtualAddress);
            if (!body.LocalSignature.IsNil) found.AddRange(metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(names, null).SelectMany(local => local));
            entities.AddRange(body.ExceptionRegions.Where(region => !region.CatchType.IsNil).Select(region => region.CatchType));
            entities.AddRange(Instructions.Tokens(body.GetILReader()));
        }
        found.AddRange(entities.SelectMany(names.In));
        return found;
    }

    private IEnumerable<EntityHandle> Attributes(CustomAttributeHandleCollection attributes) =>
        attributes.Select(handle => metadata.GetCustomAttribute(handle).Constructor);

    private IEnumerable<EntityHandle> Constraints(GenericParameterHandleCollection parameters) =>
        parameters.SelectMany(handle => metadata.GetGenericParameter(handle).GetConstraints()).Select(handle => metadata.GetGenericParameterConstraint(handle).Type);
}
