namespace MailApi.Mail.Composition;

/// <summary>What a caller may put into a header.</summary>
public static class HeaderRules
{
    /// <summary>Why a caller may not set a header of this name, or null when it may.</summary>
    public static string? NameError(string name) => throw new NotSupportedException();

    /// <summary>Why this text may not be bound for a header, or null when it may: no control character or line separator, no lone surrogate.</summary>
    public static string? ValueError(string value) => throw new NotSupportedException();
}
