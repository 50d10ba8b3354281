using CsCheck;
using MailApi.Api;
using MailApi.Limits;
using MailApi.Testing;
using Xunit;

namespace MailApi.Tests.Limits;

public sealed class LoanTests
{
    private const int Most = 32;
    private const long Millisecond = 1_000;

    private static readonly long Life = (long)Loan.Lifetime.TotalMicroseconds;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0.1, 100_000, 1)]
    [InlineData(50, 100_000, 1)]
    [InlineData(99.9, 100_000, 1)]
    [InlineData(100, 100_000, 2)]
    [InlineData(1_000, 100_000, 20)]
    [InlineData(10_000, 100_000, 32)]
    // Spent late they would keep more of the burst than a quarter.
    [InlineData(1_000, 203, 1)]
    [InlineData(1_000, 204, 20)]
    [InlineData(10_000, 1, 1)]
    public void What_the_rate_replaces_in_20_ms_can_be_borrowed(double perSecond, int burst, int most)
    {
        Assert.Equal(most, Loan.MostFor(Request(perSecond, burst)));
    }

    [Fact]
    public void The_lowest_rate_of_a_request_decides()
    {
        var (fast, slower) = (new Bucket("domain", 10_000, 10_000), new Bucket("relay", 500, 10_000));
        var day = new Bucket("day", 10_000 / 86_400.0, 10_000);
        Assert.Equal(10, Loan.MostFor(new SendPermitRequest(default, [fast, slower])));
        Assert.Equal(1, Loan.MostFor(new SendPermitRequest(default, [fast, slower, day])));
    }

    [Fact]
    public void One_caller_after_another_borrows_twice_as_many_each_time()
    {
        var loan = new Loan(Most);
        Assert.Equal([1, 2, 4, 8, 16, 32, 32], Enumerable.Range(0, 7).Select(_ => BorrowAndSpend(loan, now: 5)));
    }

    [Fact]
    public void Only_what_is_spent_in_half_its_life_is_borrowed()
    {
        var (loan, now, counts) = (new Loan(Most), 0L, new List<int>());
        for (var caller = 0; caller < 1_000; caller++, now += 5 * Millisecond)
            if (loan.Next(now).Count is > 0 and var count)
            {
                counts.Add(count);
                loan.End(count, count, now);
            }
        Assert.Equal(5, counts.Max());
        Assert.InRange(counts.Count, 200, 205);
    }

    [Fact]
    public void After_a_pause_one_is_borrowed()
    {
        var loan = new Loan(Most);
        for (var i = 0; i < 6; i++) BorrowAndSpend(loan, now: 5);
        Assert.Equal(1, loan.Next(1_000 * Millisecond).Count);
    }

    [Fact]
    public void A_permit_is_not_spent_after_its_life()
    {
        var loan = Lent(8, now: 0);
        Assert.Equal(0, loan.Next(Life - 1).Count);
        Assert.NotEqual(0, loan.Next(Life).Count);
    }

    [Fact]
    public void The_life_of_a_permit_begins_before_Redis_is_asked()
    {
        var loan = Asking(8, now: 0);
        loan.End(8, 8, Life - 1);
        Assert.Equal(0, loan.Next(Life - 1).Count);
        Assert.NotEqual(0, loan.Next(Life).Count);
    }

    [Fact]
    public void Fewer_than_were_asked_for_are_spent_when_fewer_were_granted()
    {
        var loan = Asking(8, now: 0);
        loan.End(8, 3, now: 1);
        Assert.Equal([0, 0], Enumerable.Range(0, 2).Select(_ => loan.Next(1).Count));
        Assert.NotEqual(0, loan.Next(1).Count);
    }

    [Fact]
    public void After_a_refusal_everybody_asks_for_one_for_a_second()
    {
        var loan = Asking(16, now: 0);
        loan.End(16, 0, now: 1);
        for (var now = 1L; now < 1_000 * Millisecond; now += Millisecond)
        {
            var (count, place) = loan.Next(now);
            Assert.Equal((1, null), (count, place));
            loan.End(count, 1, now);
        }
        Assert.True(loan.Next(1_001 * Millisecond).Count > 1);
    }

    [Fact]
    public async Task While_one_caller_asks_the_others_wait_in_line_for_what_is_lent_and_then_ask_for_one_each()
    {
        var loan = Asking(4, now: 0);
        var line = Enumerable.Range(0, 5).Select(_ => loan.Next(1).Place!.Value).ToList();
        Assert.All(line, place => Assert.False(place.Lent.IsCompleted));

        loan.End(4, 4, now: 2);
        Assert.NotEqual(0, loan.Next(3).Count);
        var counts = await Task.WhenAll(line.Select(async place => loan.NextAfterWait(place, await place.Lent.WaitAsync(Ct), now: 3)));
        Assert.Equal([0, 0, 0, 1, 1], counts);
    }

    [Fact]
    public async Task What_the_line_leaves_is_at_hand()
    {
        var loan = Asking(4, now: 0);
        var place = loan.Next(1).Place!.Value;
        loan.End(4, 4, now: 2);
        Assert.Equal([0, 0], Enumerable.Range(0, 2).Select(_ => loan.Next(2).Count));
        Assert.NotEqual(0, loan.Next(2).Count);
        Assert.Equal(0, loan.NextAfterWait(place, await place.Lent.WaitAsync(Ct), Life - 1));
        Assert.Equal(1, loan.NextAfterWait(place, await place.Lent.WaitAsync(Ct), Life));
    }

    [Fact]
    public async Task Nobody_waits_longer_for_an_answer_that_does_not_come()
    {
        var loan = Asking(4, now: 0);
        var place = loan.Next(1).Place!.Value;
        loan.End(4, 0, now: 2);
        Assert.Equal(1, loan.NextAfterWait(place, await place.Lent.WaitAsync(Ct), now: 2));
        Assert.Equal((1, null), loan.Next(2));
    }

    /// <summary>Callers come at any time, one after another, and Redis grants all.</summary>
    [Fact]
    public void Whatever_the_pace_less_expires_than_is_spent() => Gen.Frequency((6, Gen.Const(0L)), (3, Gen.Long[1, 20_000]), (1, Gen.Long[1, 2_000_000])).Array[1, 500].Sample(
        pauses =>
        {
            var (loan, now, borrowed) = (new Loan(Most), 0L, 0);
            foreach (var pause in pauses)
            {
                now += pause;
                var (count, _) = loan.Next(now);
                if (count == 0) continue;
                borrowed += count;
                loan.End(count, count, now);
            }
            Assert.InRange(borrowed, 1, 2 * pauses.Length);
        },
        iter: Samples.Of(1_000));

    [Fact]
    public void Requests_for_the_same_buckets_share_a_loan_and_a_changed_rate_has_another()
    {
        var loans = new Loans();
        var loan = loans.Of(Request(1_000, 1_000), now: 0);
        Assert.NotNull(loan);
        Assert.Same(loan, loans.Of(Request(1_000, 1_000), now: 1));
        Assert.NotSame(loan, loans.Of(Request(2_000, 1_000), now: 1));
        Assert.NotSame(loan, loans.Of(Request(1_000, 1_000) with { Tenant = PrefixedId.New<TenantId>() }, now: 1));
        Assert.Null(loans.Of(Request(50, 1_000), now: 1));
    }

    [Fact]
    public void Idle_loans_are_forgotten_to_make_room_and_without_room_nothing_is_borrowed()
    {
        var loans = new Loans();
        for (var number = 0; number < Loans.CountMax; number++) loans.Of(Request(1_000, 1_000, $"domain{number}"), now: 0)!.Next(0);
        Assert.Null(loans.Of(Request(1_000, 1_000), now: 999_999));
        Assert.NotNull(loans.Of(Request(1_000, 1_000, "domain0"), now: 999_999));
        Assert.NotNull(loans.Of(Request(1_000, 1_000), now: 2_000_000));
    }

    private static SendPermitRequest Request(double perSecond, int burst, string name = "domain") => new(default, [new Bucket(name, perSecond, burst)]);

    /// <summary>A loan of which a caller is asking for permits, that many.</summary>
    private static Loan Asking(int count, long now)
    {
        var loan = new Loan(count);
        for (var borrowed = 1; borrowed < count; borrowed *= 2) BorrowAndSpend(loan, now);
        Assert.Equal(count, loan.Next(now).Count);
        return loan;
    }

    /// <summary>A loan with one permit fewer at hand: that of the caller who asked.</summary>
    private static Loan Lent(int count, long now)
    {
        var loan = Asking(count, now);
        loan.End(count, count, now);
        return loan;
    }

    private static int BorrowAndSpend(Loan loan, long now)
    {
        var (count, _) = loan.Next(now);
        loan.End(count, count, now);
        for (var left = count - 1; left > 0; left--) Assert.Equal(0, loan.Next(now).Count);
        return count;
    }
}
