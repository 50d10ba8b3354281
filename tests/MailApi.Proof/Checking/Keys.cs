namespace MailApi.Proof.Checking;

/// <summary>I6: one message a key, and the same answer to whoever repeats it; without a key, one message a call.</summary>
internal static class Keys
{
    public static IEnumerable<Violation> In(Evidence evidence)
    {
        var messages = evidence.Database.Messages.ToLookup(row => (row.Tenant, row.Subject));
        foreach (var one in evidence.Cases.DistinctBy(one => one.Intent.Number))
        {
            var answers = one.Answers.Where(answer => answer.IsAcknowledged).Select(answer => answer.Body).Distinct().Count();
            if (answers > 1) yield return new Violation("I6", $"{answers} different answers to the same call.", one);
            var made = evidence.Tenants.Sum(tenant => messages[(Guid.Parse(tenant.Id["ten_".Length..]), $"Intent {one.Intent.Number}")].Count());
            if (made > 1) yield return new Violation("I6", $"{made} messages of one intent.", one);
            var refused = one.Answers.Where(answer => answer.Status is >= 300 and < 500 and not 429).Select(answer => $"{answer.Status} {answer.Body}").FirstOrDefault();
            if (refused is not null) yield return new Violation("I6", $"A call that is in order was refused: {refused}", one);
        }
    }
}
