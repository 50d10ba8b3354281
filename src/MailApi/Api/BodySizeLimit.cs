using Microsoft.AspNetCore.Http.Metadata;

namespace MailApi.Api;

/// <summary>The octets that a route's body may have.</summary>
public sealed record BodySizeLimit(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
