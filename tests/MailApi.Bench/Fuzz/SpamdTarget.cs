using MailApi.Mail.Preflight;
using MailApi.Testing.Fuzzing;

namespace MailApi.Bench.Fuzz;

/// <summary>What answers in the place of SpamAssassin: a score with its rules, or a reason that can be shown.</summary>
internal static class SpamdTarget
{
    public static readonly byte[][] Seeds = Texts.Octets(
        "SPAMD/1.1 0 EX_OK\r\nContent-length: 200\r\nSpam: True ; 15.4 / 5.0\r\n\r\nContent analysis details:\r\n\r\n pts rule name              description\r\n---- ---------------------- -----------\r\n 1.5 MISSING_DATE           No date\r\n-0.1 DKIM_VALID             It has a\r\n                            signature\r\n",
        "SPAMD/1.0 76 Bad header line: x\r\n\r\n", "SPAMD/1.1 0 EX_OK\r\nSpam: False ; 0.0 / 5.0\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n");

    public static readonly string[] Words = ["SPAMD/1.1 0 EX_OK\r\n", "Spam: ", " ; ", " / ", "\r\n\r\n", "\r\n", "---- ---", "     ", "1e999", "NaN", "-1", "RULE_NAME", "\u202e", "\0", "\uD83D\uDE00"];

    public static string Try(byte[] input)
    {
        switch (Spamd.Parse(Texts.Of(input)))
        {
            case SpamdAnswer.Scored scored:
                if (!double.IsFinite(scored.Score) || !double.IsFinite(scored.Threshold) || scored.Rules.Any(rule => !double.IsFinite(rule.Points) || rule.Name.Length < 2)) throw new InvalidOperationException($"No score: {scored}");
                return $"scored {Math.Min(8, scored.Rules.Count)} {scored.Score >= scored.Threshold}";
            case SpamdAnswer.Unavailable unavailable:
                if (unavailable.Reason is not { Length: > 0 and < 500 } || unavailable.Reason.Any(char.IsControl)) throw new InvalidOperationException($"A reason that cannot be shown: {unavailable.Reason}");
                return unavailable.Reason.Split(' ')[^1];
            case var other:
                throw new InvalidOperationException($"{other} was not asked for.");
        }
    }
}
