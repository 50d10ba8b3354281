using MailApi.Api;
using MailApi.Domains;
using MailApi.Mail.Mailboxes;
using MailApi.OAuth;
using MailApi.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MailApi.Mailboxes;

/// <summary>The mailbox of a sending domain: for answers that arrive elsewhere.</summary>
internal static class MailboxRoutes
{
    private const string Mailbox = "/{id:id(dom_)}/mailbox";

    public static IServiceCollection AddMailboxes(this IServiceCollection services) => services
        .AddSingleton<MailboxStore>().AddSealed(MailboxStore.Sealed).AddSingleton<IRefreshTokens<Mailbox>>(provider => provider.GetRequiredService<MailboxStore>()).AddSingleton<OAuthTokens<Mailbox>>()
        .AddSingleton<MailboxValidator>().AddSingleton<MailboxAccess>().AddSingleton<MailboxLeases>().AddSingleton<MailboxReader>();

    public static void MapMailboxes(this IEndpointRouteBuilder routes)
    {
        var domains = routes.MapGroup("/domains").RequireScope(Scopes.Domains, needsTenant: false).WithTags("Receiving");
        domains.MapPut(Mailbox, Put).WithName("PutMailbox").WithSummary("Has a mailbox read for what comes back.")
            .WithDescription("For bounces and feedback reports that arrive elsewhere. Each message counts once; what answers none of the domain's mail stays where it is. Replaces the settings as a whole, secrets included.");
        domains.MapGet(Mailbox, Get).WithName("GetMailbox").WithSummary("The domain's mailbox, without its secrets, and how the reading goes.");
        domains.MapDelete(Mailbox, Remove).WithName("RemoveMailbox").WithSummary("Has the mailbox read no longer; what is in it stays.");
        domains.MapPost(Mailbox + "/check", Check).WithName("CheckMailbox").WithSummary("Connects to the mailbox now and logs in.")
            .WithDescription("Takes no message. Answers what happened, and what to do where it failed.");
    }

    private static async Task<Results<Ok<MailboxView>, ProblemHttpResult>> Put(
        string id, MailboxRequest request, Caller caller, MailboxValidator validator, MailboxAccess access, MailboxStore store, DomainRows domains, CancellationToken ct)
    {
        if (validator.Validate(request) is { IsValid: false } invalid) return Problem.InvalidFields(ValidationErrors.ByPath(invalid));
        if (await DomainRoutes.Find(id, caller, domains, ct) is not { } domain) return Problem.NotFound.With();
        if (caller.IsTest) return LiveMail();
        var mailbox = request.ToMailbox(domain.Id, domain.Tenant);
        if (await access.IsHidden(mailbox, ct)) return Problem.InvalidFields(new Dictionary<string, string[]> { ["host"] = [MailboxValidator.PrivateHost] });
        await store.Put(mailbox, ct);
        return await store.Find(domain.Id, domain.Tenant, ct) is { } named ? TypedResults.Ok(MailboxView.Of(named)) : Problem.NotFound.With();
    }

    private static async Task<Results<Ok<MailboxView>, ProblemHttpResult>> Get(string id, Caller caller, MailboxStore store, DomainRows domains, CancellationToken ct) =>
        await Find(id, caller, store, domains, ct) is { } mailbox ? TypedResults.Ok(MailboxView.Of(mailbox)) : Problem.NotFound.With();

    private static async Task<Results<NoContent, ProblemHttpResult>> Remove(string id, Caller caller, MailboxStore store, DomainRows domains, CancellationToken ct)
    {
        if (await DomainRoutes.Find(id, caller, domains, ct) is not { } domain) return Problem.NotFound.With();
        if (caller.IsTest) return LiveMail();
        return await store.Remove(domain.Id, domain.Tenant, ct) ? TypedResults.NoContent() : Problem.NotFound.With();
    }

    private static async Task<Results<Ok<MailboxCheck>, ProblemHttpResult>> Check(
        string id, Caller caller, MailboxStore store, MailboxAccess access, DomainRows domains, CancellationToken ct)
    {
        if (await Find(id, caller, store, domains, ct) is not { } mailbox) return Problem.NotFound.With();
        try
        {
            await using var session = await access.Open(mailbox, ct);
            var messages = (await session.List(ct)).Count;
            var folder = mailbox.Protocol == MailboxProtocol.Imap ? $" and opened the folder {mailbox.Folder}" : "";
            return TypedResults.Ok(new MailboxCheck(true, $"Connected to {mailbox.Host}:{mailbox.Port} over TLS, logged in as {mailbox.Username}{folder}.", messages));
        }
        catch (MailboxException failure)
        {
            return TypedResults.Ok(new MailboxCheck(false, failure.Message, null));
        }
    }

    private static async Task<Mailbox?> Find(string id, Caller caller, MailboxStore store, DomainRows domains, CancellationToken ct) =>
        await DomainRoutes.Find(id, caller, domains, ct) is { } domain ? await store.Find(domain.Id, domain.Tenant, ct) : null;

    /// <summary>Test mail never leaves the sandbox, and nothing comes back to it.</summary>
    private static ProblemHttpResult LiveMail() => Problem.ScopeMissing.With("Mailboxes hold answers to live mail: name and remove them with a live key.");
}
