namespace MailApi.Api;

/// <summary>A body that is taken as octets, whatever it is labelled with: a pipe labels nothing, and curl labels all that it posts as a form.</summary>
internal static class RawBody
{
    /// <summary>What it is labelled with makes it something else for certain.</summary>
    public static bool IsSomethingElse(HttpRequest request) => request.ContentType?.Split(';')[0].Trim().ToLowerInvariant() is "application/json" or "multipart/form-data";
}
