using System.Net;
using MailApi.Mail.Routing;
using MailApi.Mail.Shaping;
using MailApi.Mail.Smtp;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MailApi.Mail.Tests.Shaping;

public sealed class SitesTests
{
    private static readonly Flow Shop = new(0, Guid.NewGuid());
    private static readonly Flow Other = new(0, Guid.NewGuid());

    private readonly FakeTimeProvider clock = new();

    [Fact]
    public void No_more_attempts_are_under_way_than_connections_are_allowed()
    {
        var sites = With(connections: 3);
        for (var count = 0; count < 3; count++) Enter(sites);

        Assert.IsNotType<Admission.Entered>(sites.Enter(Route(), "example.net", Shop));
        Assert.Equal((3, 3), (Report(sites).InUse, Report(sites).Connections));
    }

    [Fact]
    public void Connections_are_kept_and_used_as_the_profile_says()
    {
        var profiles = ShippedProfiles.All.Select(profile => profile.Name == ShippedProfiles.Private ? profile with { IdleTime = TimeSpan.FromSeconds(7), MessagesPerConnection = 3 } : profile);

        var terms = Enter(new Sites(new SiteProfiles(profiles), clock)).Terms;

        Assert.Equal((TimeSpan.FromSeconds(7), 3), (terms.IdleTime, terms.Messages));
    }

    [Fact]
    public async Task Who_leaves_lets_the_one_who_waits_in()
    {
        var sites = With(connections: 1);
        var visit = Enter(sites);
        var waiting = Assert.IsType<Admission.Waiting>(sites.Enter(Route(), "example.net", Shop));
        Assert.False(waiting.Turn.IsCompleted);

        visit.Leave(Accepted);

        Assert.IsType<Admission.Entered>(await waiting.Turn);
        Assert.Equal(1, Report(sites).InUse);
    }

    [Fact]
    public async Task Who_gives_up_waiting_is_told_when_to_come_back_and_blocks_nobody()
    {
        var sites = With(connections: 1);
        var visit = Enter(sites);
        var waiting = Assert.IsType<Admission.Waiting>(sites.Enter(Route(), "example.net", Shop));
        waiting.GiveUp();

        Assert.True(Assert.IsType<Admission.Refused>(await waiting.Turn).Delay > TimeSpan.Zero);
        visit.Leave(Accepted);
        Assert.Equal(0, Report(sites).InUse);
        Enter(sites);
    }

    [Fact]
    public void Refusals_in_a_row_are_spread_as_fast_as_the_site_takes_mail()
    {
        var sites = With(connections: 4);
        Warm(sites, TimeSpan.FromMilliseconds(50));
        Fill(sites, Shop);

        clock.Advance(TimeSpan.FromMilliseconds(1));
        var delays = Enumerable.Range(0, 400).Select(_ => Assert.IsType<Admission.Refused>(sites.Enter(Route(), "example.net", Shop)).Delay).ToList();

        // Four connections of 50 ms take 80 a second.
        Assert.Equal(delays.Order(), delays);
        Assert.InRange((delays[^1] - delays[0]).TotalSeconds, 400 / 80d / 1.5, 400 / 80d);
    }

    /// <summary>The whole way of those who find no room: away for as long as they are told, found by a sweep every 50 ms, and asking again.</summary>
    [Theory]
    [InlineData(4, 50, 400)]
    [InlineData(4, 50, 4000)]
    [InlineData(10, 300, 1000)]
    [InlineData(2, 2000, 60)]
    [InlineData(1, 100, 100)]
    public void Connections_are_hardly_ever_idle_while_mail_waits_and_it_does_not_ask_in_vain_for_ever(int connections, int attemptMilliseconds, int messages)
    {
        var (step, attempt, started) = (TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(attemptMilliseconds), clock.GetUtcNow());
        var sites = With(connections);
        var away = Enumerable.Repeat(clock.GetUtcNow(), messages).ToList();
        var waiting = new List<(Admission.Waiting Seat, DateTimeOffset Until)>();
        var inside = new List<(SiteVisit Visit, DateTimeOffset Until)>();
        var (delivered, asked) = (0, 0);
        for (var steps = 0; delivered < messages; steps++)
        {
            var now = clock.GetUtcNow();
            foreach (var (visit, _) in inside.Where(it => it.Until <= now)) visit.Leave(Accepted);
            delivered += inside.RemoveAll(it => it.Until <= now);
            foreach (var (seat, _) in waiting.Where(it => it.Until <= now)) seat.GiveUp();
            foreach (var (seat, _) in waiting.Where(it => it.Seat.Turn.IsCompleted)) Take(End(seat), now);
            waiting.RemoveAll(it => it.Seat.Turn.IsCompleted);
            if (steps % 10 == 0)
            {
                var due = away.RemoveAll(it => it <= now);
                asked += due;
                for (var count = 0; count < due; count++) Take(sites.Enter(Route(), "example.net", Shop), now);
            }
            clock.Advance(step);
        }

        // Each attempt lasts one step longer than it should.
        var ideal = (attempt + step) * messages / connections;
        Assert.InRange((clock.GetUtcNow() - started) / ideal, 0.9, 1.2);
        Assert.InRange(asked / (double)messages, 1, 6);

        void Take(Admission admission, DateTimeOffset now)
        {
            if (admission is Admission.Entered entered) inside.Add((entered.Visit, now + attempt));
            else if (admission is Admission.Waiting seat) waiting.Add((seat, now + TimeSpan.FromSeconds(2)));
            else away.Add(now + ((Admission.Refused)admission).Delay);
        }
    }

    [Fact]
    public void Who_sends_little_does_not_stand_behind_who_sends_much()
    {
        var sites = With(connections: 4);
        Warm(sites, TimeSpan.FromMilliseconds(50));
        Fill(sites, Shop);
        for (var count = 0; count < 1000; count++) sites.Enter(Route(), "example.net", Shop);

        // A flood does not take all seats; and beside them there is a line of one's own.
        for (var count = 0; count < 6; count++) Assert.IsType<Admission.Waiting>(sites.Enter(Route(), "example.net", Other));
        Assert.InRange(Assert.IsType<Admission.Refused>(sites.Enter(Route(), "example.net", Other)).Delay.TotalSeconds, 0, 0.5);
    }

    [Fact]
    public void The_urgent_go_first_and_the_others_still_go()
    {
        var sites = With(connections: 1);
        Warm(sites, TimeSpan.FromMilliseconds(10));
        var visit = Enter(sites);
        var late = Enumerable.Range(0, 12).Select(_ => (Admission.Waiting)sites.Enter(Route(), "example.net", new Flow(2, Guid.NewGuid()))).ToList();
        var urgent = Enumerable.Range(0, 12).Select(_ => (Admission.Waiting)sites.Enter(Route(), "example.net", new Flow(0, Guid.NewGuid()))).ToList();

        HashSet<SiteVisit> gone = [];
        for (var turn = 0; turn < 8; turn++)
        {
            visit.Leave(Accepted);
            gone.Add(visit);
            visit = late.Concat(urgent).Where(it => it.Turn.IsCompleted).Select(it => ((Admission.Entered)End(it)).Visit).Single(it => !gone.Contains(it));
        }

        Assert.Equal((2, 6), (late.Count(it => it.Turn.IsCompleted), urgent.Count(it => it.Turn.IsCompleted)));
    }

    [Fact]
    public void A_rate_is_kept_and_fully_used()
    {
        var sites = With(connections: 100, perSecond: 10);
        var sent = 0;
        for (var step = 0; step < 1000; step++)
        {
            if (sites.Enter(Route(), "example.net", Shop) is Admission.Entered entered)
            {
                sent++;
                entered.Visit.Leave(Accepted);
            }
            clock.Advance(TimeSpan.FromMilliseconds(10));
        }
        Assert.InRange(sent, 99, 104);
    }

    [Fact]
    public void What_was_let_in_and_not_sent_costs_no_rate()
    {
        var sites = With(connections: 100, perSecond: 1);
        for (var count = 0; count < 10; count++) Enter(sites).Leave(null);
        Enter(sites).Leave(Accepted);
        Assert.IsType<Admission.Refused>(sites.Enter(Route(), "example.net", Shop));
    }

    [Fact]
    public void A_rate_signal_halves_what_the_site_gets_and_success_brings_it_back_step_by_step()
    {
        var sites = With(connections: 8, perSecond: 100);
        Enter(sites).Leave(Refused(421, "4.7.0 try again later, ann@example.net"));

        var slowed = Report(sites);
        Assert.Equal((SiteState.Slowed, 4), (slowed.State, slowed.Connections));
        Assert.InRange(slowed.PerSecond!.Value, 1, 50);
        Assert.Equal("421 4.7.0 try again later, …", slowed.Reason);

        var before = slowed.PerSecond!.Value;
        Succeed(sites, 19);
        Assert.Equal(4, Report(sites).Connections);
        Succeed(sites, 1);
        Assert.Equal(5, Report(sites).Connections);
        Assert.InRange(Report(sites).PerSecond!.Value, before + 0.1, before + 5.1);
        Succeed(sites, 20 * 25);
        Assert.Equal((SiteState.Open, 8, 100d, null), (Report(sites).State, Report(sites).Connections, Report(sites).PerSecond!.Value, Report(sites).Reason));
    }

    [Fact]
    public void Attempts_that_were_under_way_halve_it_once()
    {
        var sites = With(connections: 8);
        var visits = Enumerable.Range(0, 8).Select(_ => Enter(sites)).ToList();
        clock.Advance(TimeSpan.FromSeconds(1));
        foreach (var visit in visits) visit.Leave(Refused(421, "4.7.0 slow down"));
        Assert.Equal(4, Report(sites).Connections);

        clock.Advance(TimeSpan.FromSeconds(1));
        Enter(sites).Leave(Refused(421, "4.7.0 slow down"));
        Assert.Equal(2, Report(sites).Connections);
        for (var count = 0; count < 10; count++)
        {
            clock.Advance(TimeSpan.FromHours(1));
            Enter(sites).Leave(Refused(421, "4.7.0 slow down"));
        }
        Assert.Equal(1, Report(sites).Connections);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(100d)]
    public void Too_many_connections_where_there_is_but_one_slow_the_rate(double? perSecond)
    {
        var sites = With(connections: 2, perSecond: perSecond);
        Warm(sites, TimeSpan.FromMilliseconds(100));
        Enter(sites).Leave(Refused(421, "4.7.0 Too many connections"));
        Assert.Equal((1, perSecond), (Report(sites).Connections, Report(sites).PerSecond));

        clock.Advance(TimeSpan.FromSeconds(2));
        Enter(sites).Leave(Refused(421, "HL:ICC 163 mx5"));
        Assert.Equal((SiteState.Slowed, 1), (Report(sites).State, Report(sites).Connections));
        Assert.InRange(Report(sites).PerSecond!.Value, Pace.PerSecondMin, 50);
    }

    [Fact]
    public void Many_replies_within_a_second_are_one_step_down()
    {
        var sites = With(connections: 16, perSecond: 100);
        for (var count = 0; count < 10; count++)
        {
            Enter(sites).Leave(Refused(421, "4.7.0 slow down"));
            clock.Advance(TimeSpan.FromMilliseconds(100));
        }
        Assert.Equal((8, 50d), (Report(sites).Connections, Report(sites).PerSecond!.Value));

        Enter(sites).Leave(Refused(421, "4.7.0 slow down"));
        Assert.Equal((4, 25d), (Report(sites).Connections, Report(sites).PerSecond!.Value));
    }

    /// <summary>The whole way of thirty messages, found by a sweep every 50 ms; who was refused tries again at once.</summary>
    [Theory]
    [InlineData(0, 100d)]
    [InlineData(0, null)]
    [InlineData(600, 100d)]
    public void Ten_seconds_of_421_are_over_within_a_minute(int busySecondsBefore, double? perSecond)
    {
        var sites = With(connections: 10, perSecond);
        Succeed(sites, busySecondsBefore);
        var (started, attempt) = (clock.GetUtcNow(), TimeSpan.FromMilliseconds(50));
        var (steps, rate) = (0, 0d);
        var away = Enumerable.Repeat(started, 30).ToList();
        var inside = new List<(SiteVisit Visit, DateTimeOffset Until)>();
        var waiting = new List<Admission.Waiting>();
        for (var delivered = 0; delivered < 30; clock.Advance(attempt))
        {
            var now = clock.GetUtcNow();
            var isWell = now - started > TimeSpan.FromSeconds(10);
            foreach (var (visit, _) in inside.Where(it => it.Until <= now))
            {
                visit.Leave(isWell ? Accepted : Refused(421, "4.3.2 closing, try again later"));
                if (isWell) delivered++;
                else away.Add(now);
            }
            inside.RemoveAll(it => it.Until <= now);
            foreach (var seat in waiting.Where(it => it.Turn.IsCompleted)) Take(End(seat), now);
            waiting.RemoveAll(it => it.Turn.IsCompleted);
            for (var due = away.RemoveAll(it => it <= now); due > 0; due--) Take(sites.Enter(Route(), "example.net", Shop), now);

            var given = Report(sites).PerSecond ?? perSecond ?? double.MaxValue;
            if (isWell && given > rate && rate > 0) steps++;
            rate = given;
            Assert.True(perSecond is null || given <= perSecond);
            Assert.InRange(Report(sites).Connections, 1, 10);
        }

        Assert.InRange((clock.GetUtcNow() - started).TotalSeconds, 10, 70);
        Assert.InRange(steps, 3, 20);
        Succeed(sites, 20 * 25);
        Assert.Equal((SiteState.Open, 10, perSecond), (Report(sites).State, Report(sites).Connections, Report(sites).PerSecond));

        void Take(Admission admission, DateTimeOffset now)
        {
            if (admission is Admission.Entered entered) inside.Add((entered.Visit, now + attempt));
            else if (admission is Admission.Waiting seat) waiting.Add(seat);
            else away.Add(now + ((Admission.Refused)admission).Delay);
        }
    }

    [Fact]
    public void A_slow_rate_comes_back_by_a_second_of_success_a_step_and_one_that_the_receiver_told_by_twenty_messages()
    {
        var sites = With(connections: 16, perSecond: 100);
        for (var count = 0; count < 12; count++)
        {
            clock.Advance(TimeSpan.FromMinutes(2));
            Enter(sites).Leave(Refused(421, "4.7.0 slow down"));
        }
        var slow = Report(sites).PerSecond!.Value;
        Assert.InRange(slow, 1 / 60d, 0.1);
        foreach (var factor in (int[])[2, 4, 8])
        {
            clock.Advance(TimeSpan.FromMinutes(2));
            Enter(sites).Leave(Accepted);
            Assert.Equal(slow * factor, Report(sites).PerSecond!.Value, 6);
        }

        clock.Advance(TimeSpan.FromMinutes(2));
        Enter(sites).Leave(Refused(421, "4.7.0 [TSS02] Messages from 198.41.0.4 temporarily deferred due to unexpected volume or user complaints"));
        for (var count = 0; count < 20; count++)
        {
            Assert.Equal(1 / 60d, Report(sites).PerSecond!.Value, 6);
            clock.Advance(TimeSpan.FromMinutes(2));
            Enter(sites).Leave(Accepted);
        }
        Assert.Equal(2 / 60d, Report(sites).PerSecond!.Value, 6);
    }

    [Fact]
    public async Task A_pause_sends_everyone_away_until_it_ends()
    {
        var sites = With(connections: 1);
        var visit = Enter(sites);
        var waiting = Assert.IsType<Admission.Waiting>(sites.Enter(Route(), "example.net", Shop));
        visit.Leave(Refused(550, "Ip frequency limited"));

        Assert.InRange(Assert.IsType<Admission.Refused>(await waiting.Turn).Delay.TotalMinutes, 60, 61);
        clock.Advance(TimeSpan.FromMinutes(59));
        Assert.InRange(Assert.IsType<Admission.Refused>(sites.Enter(Route(), "example.net", Other)).Delay.TotalMinutes, 1, 2);
        Assert.Equal((SiteState.Paused, clock.GetUtcNow() + TimeSpan.FromMinutes(1)), (Report(sites).State, Report(sites).Until));
        clock.Advance(TimeSpan.FromMinutes(1));
        Enter(sites);
        Assert.Equal(SiteState.Slowed, Report(sites).State);
    }

    [Fact]
    public void A_dead_site_is_left_alone_for_longer_each_time_and_one_attempt_decides()
    {
        var sites = With(connections: 10);
        for (var count = 0; count < 4; count++) Enter(sites).Leave(Unreachable);
        Enter(sites).Leave(Accepted);
        for (var count = 0; count < 5; count++)
        {
            Assert.Equal(SiteState.Open, Report(sites).State);
            Enter(sites).Leave(Unreachable);
        }

        foreach (var seconds in (int[])[30, 60, 120, 240, 480, 900, 900])
        {
            Assert.Equal((SiteState.Closed, clock.GetUtcNow() + TimeSpan.FromSeconds(seconds)), (Report(sites).State, Report(sites).Until));
            clock.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
            Assert.IsType<Admission.Refused>(sites.Enter(Route(), "example.net", Shop));
            clock.Advance(TimeSpan.FromMilliseconds(1));
            var probe = Enter(sites);
            Assert.IsType<Admission.Refused>(sites.Enter(Route(), "example.net", Shop));
            probe.Leave(Unreachable);
        }

        clock.Advance(TimeSpan.FromMinutes(15));
        Enter(sites).Leave(null);
        Enter(sites).Leave(Refused(550, "5.1.1 no such user"));
        Assert.Equal(SiteState.Open, Report(sites).State);
        Enter(sites);
        Enter(sites);
    }

    [Theory]
    [InlineData(Stage.StartTls)]
    [InlineData(Stage.Auth)]
    public void A_host_that_speaks_and_does_not_meet_a_demand_is_no_dead_one(Stage stage)
    {
        var unmet = new TransmitResult.Unreachable("mx.test offers no STARTTLS", "mx.test") { Stage = stage };
        var sites = With(connections: 10);
        for (var count = 0; count < 20; count++) Enter(sites).Leave(unmet);
        Assert.Equal((SiteState.Open, 20L), (Report(sites).State, Report(sites).Failed));

        for (var count = 0; count < 5; count++) Enter(sites).Leave(Unreachable);
        clock.Advance(TimeSpan.FromSeconds(30));
        // Neither closes nor opens what waits for one attempt: the next decides, and those beside it wait.
        for (var count = 0; count < 3; count++) Enter(sites).Leave(unmet);
        var probe = Enter(sites);
        Assert.IsType<Admission.Refused>(sites.Enter(Route(), "example.com", Other));
        probe.Leave(Unreachable);
        Assert.Equal((SiteState.Closed, clock.GetUtcNow() + TimeSpan.FromSeconds(60)), (Report(sites).State, Report(sites).Until));
        clock.Advance(TimeSpan.FromSeconds(60));
        Enter(sites).Leave(unmet);
        Enter(sites).Leave(Accepted);
        Assert.Equal(SiteState.Open, Report(sites).State);
    }

    [Fact]
    public void A_site_that_is_to_be_tried_now_ends_its_pause_and_lets_one_attempt_decide_where_it_is_closed()
    {
        var sites = With(connections: 10);
        sites.TryNow("unknown");
        Enter(sites).Leave(Refused(550, "Ip frequency limited"));
        for (var count = 0; count < 100; count++) Assert.IsType<Admission.Refused>(sites.Enter(Route(), "example.net", Shop));
        sites.TryNow("test");
        Enter(sites).Leave(Accepted);

        for (var count = 0; count < 5; count++) Enter(sites).Leave(Unreachable);
        Assert.IsType<Admission.Refused>(sites.Enter(Route(), "example.net", Shop));
        sites.TryNow("test");
        var probe = Enter(sites);
        Assert.InRange(Assert.IsType<Admission.Refused>(sites.Enter(Route(), "example.net", Shop)).Delay.TotalSeconds, 1, 10);
        probe.Leave(Unreachable);
        Assert.Equal(clock.GetUtcNow() + TimeSpan.FromSeconds(60), Report(sites).Until);
        sites.TryNow("test");
        Enter(sites).Leave(Accepted);
        Enter(sites);
    }

    [Fact]
    public void A_site_that_answers_nobody_spreads_those_who_wait_ever_wider()
    {
        var sites = With(connections: 2);
        Fill(sites, Shop);
        clock.Advance(TimeSpan.FromSeconds(20));
        var first = Assert.IsType<Admission.Refused>(sites.Enter(Route(), "example.net", Shop)).Delay;
        var second = Assert.IsType<Admission.Refused>(sites.Enter(Route(), "example.net", Shop)).Delay;
        Assert.InRange((second - first).TotalSeconds, 15, 20);
    }

    [Fact]
    public void Nodes_share_a_site_and_each_has_one_connection_at_least()
    {
        var sites = With(connections: 4, perSecond: 10);
        (int, double) Share(int nodes)
        {
            sites.NodeCount = nodes;
            clock.Advance(TimeSpan.FromMinutes(1));
            Enter(sites).Leave(Accepted);
            return (Report(sites).Connections, Report(sites).PerSecond!.Value);
        }

        Assert.Equal((4, 10), Share(1));
        Assert.Equal((2, 5), Share(2));
        Assert.Equal((1, 2), Share(5));
    }

    [Fact]
    public void Domains_with_the_same_mail_hosts_share_a_site_and_others_have_their_own()
    {
        var sites = With(connections: 1);
        Enter(sites, "example.net");
        Assert.IsNotType<Admission.Entered>(sites.Enter(Route(), "example.com", Shop));
        Assert.IsType<Admission.Entered>(sites.Enter(Route("other"), "example.org", Shop));
        Assert.Equal(["example.net", "example.com"], Report(sites).Domains);
    }

    [Fact]
    public void With_too_many_sites_those_that_are_idle_are_forgotten_and_a_closed_one_when_nobody_has_come_for_long()
    {
        var sites = With(connections: 10);
        for (var count = 0; count < 5; count++) Enter(sites).Leave(Unreachable);
        Fill(1);

        Assert.IsType<Admission.Refused>(sites.Enter(Route("one more"), "example.net", Shop));
        clock.Advance(Sites.IdleMin);
        Assert.IsType<Admission.Entered>(sites.Enter(Route("one more"), "example.net", Shop));
        Assert.Equal(["one more", "test"], sites.Report().Select(report => report.Site).Order(StringComparer.Ordinal));

        clock.Advance(Breaker.BackOffMin + Breaker.BackOffMax - Sites.IdleMin - TimeSpan.FromSeconds(1));
        Fill(2);
        Assert.IsType<Admission.Refused>(sites.Enter(Route("too many"), "example.net", Shop));
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.IsType<Admission.Entered>(sites.Enter(Route("too many"), "example.net", Shop));
        Assert.DoesNotContain("test", sites.Report().Select(report => report.Site));

        void Fill(int others)
        {
            for (var site = others; site < Sites.SitesMax; site++) ((Admission.Entered)sites.Enter(Route($"s{site}"), "example.net", Shop)).Visit.Leave(Accepted);
        }
    }

    private static readonly TransmitResult Accepted = new TransmitResult.Accepted(new Reply(250, "2.0.0", "kept"), "mx.test", null);
    private static readonly TransmitResult Unreachable = new TransmitResult.Unreachable("no connection", "mx.test");

    private static TransmitResult.Refused Refused(int code, string text) => new TransmitResult.Refused(Reply.From(code, text), "mx.test", Stage.RcptTo);

    private Sites With(int connections, double? perSecond = null) => new(new SiteProfiles(ShippedProfiles.All.Select(profile =>
        profile.Name == ShippedProfiles.Private ? profile with { Connections = connections, PerSecond = perSecond } : profile)), clock);

    private static Route Route(string site = "test") => new() { Site = site, Hosts = [new RouteHost("mx.test", [IPAddress.Loopback], 25)] };

    private static SiteVisit Enter(Sites sites, string domain = "example.net") => Assert.IsType<Admission.Entered>(sites.Enter(Route(), domain, Shop)).Visit;

    /// <summary>Of a wait that is over.</summary>
    private static Admission End(Admission.Waiting seat) => seat.Turn.GetAwaiter().GetResult();

    private static SiteReport Report(Sites sites) => sites.Report().Single(report => report.Site == "test");

    /// <summary>Teaches the site how long an attempt takes.</summary>
    private void Warm(Sites sites, TimeSpan attempt)
    {
        for (var count = 0; count < 100; count++)
        {
            var visit = Enter(sites);
            clock.Advance(attempt);
            visit.Leave(Accepted);
        }
    }

    /// <summary>Takes all connections, and all seats that the flow may have.</summary>
    private static void Fill(Sites sites, Flow flow)
    {
        while (sites.Enter(Route(), "example.net", flow) is not Admission.Refused) { }
    }

    private void Succeed(Sites sites, int times)
    {
        for (var count = 0; count < times; count++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            Enter(sites).Leave(Accepted);
        }
    }
}
