using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace MailApi.Hosting;

/// <summary>The OpenAPI document. It is written once, at the first request: anyone may ask for it, and writing it keeps a core busy for a third of a second.</summary>
internal sealed class ReferenceDocument([FromKeyedServices("v1")] IOpenApiDocumentProvider provider)
{
    private readonly Lazy<Task<byte[]>> octets = new(() => Write(provider));

    /// <summary>JSON in UTF-8.</summary>
    public Task<byte[]> Octets => octets.Value;

    private static async Task<byte[]> Write(IOpenApiDocumentProvider provider)
    {
        var document = await provider.GetOpenApiDocumentAsync();
        using var file = new MemoryStream();
        await document.SerializeAsJsonAsync(file, ApiReference.Specification);
        return file.ToArray();
    }
}
