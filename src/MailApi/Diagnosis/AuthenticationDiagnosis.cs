using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Net.Sockets;
using System.Text;
using FluentValidation;
using MailApi.Api;
using MailApi.Mail.Authentication;
using MailApi.Sending;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Diagnosis;

/// <summary>A message as a receiver gets it.</summary>
internal sealed record AuthenticationQuestion
{
    /// <summary>The address of the server that hands it over.</summary>
    [Required]
    public string? ClientIp { get; init; }

    /// <summary>What that server says in EHLO; empty where it is not known.</summary>
    public string? Helo { get; init; }

    /// <summary>The reverse path (the later Return-Path), with or without brackets; empty for a bounce.</summary>
    public string? MailFrom { get; init; }

    /// <summary>The raw message with its header. Bare LFs are taken for line ends.</summary>
    [Required]
    public string? Message { get; init; }
}

internal sealed class AuthenticationQuestionValidator : AbstractValidator<AuthenticationQuestion>
{
    /// <summary>RFC 5321 §4.5.3.1.3, with room for long local parts.</summary>
    private const int PathCharactersMax = 512;

    /// <summary>More than Microsoft accepts.</summary>
    private const int HeaderOctetsMax = 256 * 1024;

    public static readonly AuthenticationQuestionValidator Instance = new();

    public AuthenticationQuestionValidator()
    {
        RuleFor(question => question.ClientIp).Must(IsAddress).OverridePropertyName("clientIp")
            .WithMessage("An IPv4 or IPv6 address is required, such as 192.0.2.1.");
        RuleFor(question => question.Helo).MaximumLength(PathCharactersMax).OverridePropertyName("helo").WithMessage($"At most {PathCharactersMax} characters.");
        RuleFor(question => question.MailFrom).MaximumLength(PathCharactersMax).OverridePropertyName("mailFrom").WithMessage($"At most {PathCharactersMax} characters.");
        RuleFor(question => question.Message).NotEmpty().OverridePropertyName("message").WithMessage("The raw message is required.");
        RuleFor(question => question.Message).Must(message => message is null || Encoding.UTF8.GetByteCount(message) <= SendLimits.MessageBytesMax).OverridePropertyName("message")
            .WithMessage($"At most {SendLimits.MessageBytesMax} octets.");
        RuleFor(question => question.Message).Must(message => message is null || HeaderLength(message) <= HeaderOctetsMax).OverridePropertyName("message")
            .WithMessage($"Its header may have at most {HeaderOctetsMax} octets: receivers accept no more.");
    }

    /// <summary>In octets, up to the first empty line.</summary>
    private static int HeaderLength(string message)
    {
        if (message.StartsWith('\n') || message.StartsWith("\r\n", StringComparison.Ordinal)) return 0;
        for (var end = message.IndexOf('\n', StringComparison.Ordinal); end >= 0; end = message.IndexOf('\n', end + 1))
            if (message.AsSpan(end + 1) is ['\n', ..] or ['\r', '\n', ..]) return Encoding.UTF8.GetByteCount(message.AsSpan(0, end));
        return Encoding.UTF8.GetByteCount(message);
    }

    /// <summary>Whole: the platform reads <c>198.51.100</c> too, as 198.51.0.100.</summary>
    private static bool IsAddress(string? text) =>
        IPAddress.TryParse(text, out var address) && (address.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == text);
}

/// <summary><c>POST /diagnose/authentication</c>: what a receiver would conclude about any message, from live DNS.</summary>
internal static class AuthenticationDiagnosis
{
    public static async Task<Results<Ok<AuthenticationReport>, ProblemHttpResult>> Answer(AuthenticationQuestion question, Authenticator authenticator, CancellationToken ct)
    {
        var errors = AuthenticationQuestionValidator.Instance.Validate(question).ToDictionary();
        if (errors.Count > 0) return Problem.InvalidFields(errors);
        return TypedResults.Ok(await authenticator.Check(
            IPAddress.Parse(question.ClientIp!), question.Helo?.Trim() ?? "", Path(question.MailFrom), Encoding.UTF8.GetBytes(question.Message!), ct));
    }

    private static string Path(string? text)
    {
        var path = text?.Trim() ?? "";
        return path.StartsWith('<') && path.EndsWith('>') ? path[1..^1] : path;
    }
}
