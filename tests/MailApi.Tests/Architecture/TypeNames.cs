using System.Collections.Immutable;
using System.Reflection.Metadata;

namespace MailApi.Tests.Architecture;

/// <summary>The names of the types in a signature, of whatever a token stands for.</summary>
internal sealed class TypeNames(MetadataReader metadata) : ISignatureTypeProvider<IEnumerable<TypeName>, object?>
{
    private readonly string assembly = metadata.GetString(metadata.GetAssemblyDefinition().Name);

    public TypeName Of(TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        return type.GetDeclaringType() is { IsNil: false } outer ? Of(outer) : new TypeName(assembly, metadata.GetString(type.Namespace), metadata.GetString(type.Name));
    }

    /// <summary>Every type that a type, method or field names: itself, its declaring type, its signature's, its type arguments.</summary>
    public IEnumerable<TypeName> In(EntityHandle handle) => handle.IsNil ? [] : handle.Kind switch
    {
        HandleKind.TypeDefinition => [Of((TypeDefinitionHandle)handle)],
        HandleKind.TypeReference => [Of((TypeReferenceHandle)handle)],
        HandleKind.TypeSpecification => metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(this, null),
        HandleKind.MethodSpecification => InMethod(metadata.GetMethodSpecification((MethodSpecificationHandle)handle)),
        HandleKind.MethodDefinition => InMethod(metadata.GetMethodDefinition((MethodDefinitionHandle)handle)),
        HandleKind.FieldDefinition => InField(metadata.GetFieldDefinition((FieldDefinitionHandle)handle)),
        HandleKind.MemberReference => InMember(metadata.GetMemberReference((MemberReferenceHandle)handle)),
        _ => [],
    };

    public static IEnumerable<TypeName> All(MethodSignature<IEnumerable<TypeName>> signature) =>
        signature.ReturnType.Concat(signature.ParameterTypes.SelectMany(type => type));

    private TypeName Of(TypeReferenceHandle handle)
    {
        var type = metadata.GetTypeReference(handle);
        if (type.ResolutionScope.Kind == HandleKind.TypeReference) return Of((TypeReferenceHandle)type.ResolutionScope);
        var home = type.ResolutionScope.Kind == HandleKind.AssemblyReference
            ? metadata.GetString(metadata.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name)
            : assembly;
        return new TypeName(home, metadata.GetString(type.Namespace), metadata.GetString(type.Name));
    }

    private IEnumerable<TypeName> InMethod(MethodSpecification method) => In(method.Method).Concat(method.DecodeSignature(this, null).SelectMany(type => type));
    private IEnumerable<TypeName> InMethod(MethodDefinition method) => All(method.DecodeSignature(this, null)).Prepend(Of(method.GetDeclaringType()));
    private IEnumerable<TypeName> InField(FieldDefinition field) => field.DecodeSignature(this, null).Prepend(Of(field.GetDeclaringType()));

    private IEnumerable<TypeName> InMember(MemberReference member) => In(member.Parent).Concat(
        member.GetKind() == MemberReferenceKind.Field ? member.DecodeFieldSignature(this, null) : All(member.DecodeMethodSignature(this, null)));

    // The shapes of ECMA-335 II.23.2.12; arrays, pointers and the like are their elements.
    public IEnumerable<TypeName> GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => [Of(handle)];
    public IEnumerable<TypeName> GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => [Of(handle)];
    public IEnumerable<TypeName> GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) => In(handle);
    public IEnumerable<TypeName> GetGenericInstantiation(IEnumerable<TypeName> genericType, ImmutableArray<IEnumerable<TypeName>> typeArguments) => genericType.Concat(typeArguments.SelectMany(type => type));
    public IEnumerable<TypeName> GetFunctionPointerType(MethodSignature<IEnumerable<TypeName>> signature) => All(signature);
    public IEnumerable<TypeName> GetModifiedType(IEnumerable<TypeName> modifier, IEnumerable<TypeName> unmodifiedType, bool isRequired) => modifier.Concat(unmodifiedType);
    public IEnumerable<TypeName> GetArrayType(IEnumerable<TypeName> elementType, ArrayShape shape) => elementType;
    public IEnumerable<TypeName> GetSZArrayType(IEnumerable<TypeName> elementType) => elementType;
    public IEnumerable<TypeName> GetByReferenceType(IEnumerable<TypeName> elementType) => elementType;
    public IEnumerable<TypeName> GetPointerType(IEnumerable<TypeName> elementType) => elementType;
    public IEnumerable<TypeName> GetPinnedType(IEnumerable<TypeName> elementType) => elementType;
    public IEnumerable<TypeName> GetPrimitiveType(PrimitiveTypeCode typeCode) => [];
    public IEnumerable<TypeName> GetGenericMethodParameter(object? genericContext, int index) => [];
    public IEnumerable<TypeName> GetGenericTypeParameter(object? genericContext, int index) => [];
}
