using System.Text;
using FluentValidation.Results;

namespace MailApi.Api;

/// <summary>Validation failures as the API tells them: keyed by JSON path, <c>attachments[0].contentType</c>.</summary>
public static class ValidationErrors
{
    public static Dictionary<string, string[]> ByPath(ValidationResult result) => result.Errors
        .GroupBy(failure => Path(failure.PropertyName))
        .ToDictionary(group => group.Key, group => group.Select(failure => failure.ErrorMessage).Distinct().ToArray());

    /// <summary>Property names in camel case, segment by segment; a custom key (<c>headers.X-Order</c>) stays as it was given.</summary>
    private static string Path(string propertyName)
    {
        var path = new StringBuilder(propertyName);
        if (propertyName.StartsWith("headers.", StringComparison.Ordinal) || propertyName.StartsWith("metadata.", StringComparison.Ordinal)) return propertyName;
        for (var index = 0; index < path.Length; index++)
            if (index == 0 || path[index - 1] == '.') path[index] = char.ToLowerInvariant(path[index]);
        return path.ToString();
    }
}
