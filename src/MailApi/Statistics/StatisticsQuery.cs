using System.ComponentModel;
using System.Globalization;
using MailApi.Api;

namespace MailApi.Statistics;

/// <summary>What statistics can be told apart by.</summary>
internal enum StatisticsDimension
{
    Domain,
    Category,
    Site,
    Day,
}

/// <summary>The query of <c>GET /stats</c>.</summary>
internal sealed record StatisticsQuery
{
    [Description("The first day (UTC), as 2026-01-31; absent: 29 days before the last.")]
    public string? From { get; init; }

    [Description("The last day (UTC); absent: today.")]
    public string? To { get; init; }

    [Description("What to tell apart, separated by commas: `domain`, `category`, `site`, `day`; absent: `domain`.")]
    public string? GroupBy { get; init; }

    [Description("Mail from this sending domain.")]
    public string? Domain { get; init; }

    [Description("Mail of this category."), TextOf(typeof(Category))]
    public string? Category { get; init; }

    [Description("Mail to this site, as `GET /sites` names it, or to this recipient domain where its mail hosts are not known.")]
    public string? Site { get; init; }
    public int? Limit { get; init; }
    public string? Cursor { get; init; }
}

/// <summary>A query that was read.</summary>
internal sealed record StatisticsWanted
{
    /// <summary>Days in one answer at most: as many as are kept.</summary>
    public const int DaysMax = 400;
    private const int DaysDefault = 30;

    public required DateOnly From { get; init; }
    public required DateOnly To { get; init; }
    public required IReadOnlyList<StatisticsDimension> GroupBy { get; init; }
    public required string? Domain { get; init; }
    public required Category? Category { get; init; }
    public required string? Site { get; init; }
    public required int Limit { get; init; }

    /// <summary>Rows of the pages before.</summary>
    public required int Offset { get; init; }

    /// <summary>Reads a query; every error is put into <paramref name="errors"/>, and with one the answer means nothing.</summary>
    public static StatisticsWanted Read(StatisticsQuery query, DateOnly today, Dictionary<string, string[]> errors)
    {
        var to = Day(query.To, "to", errors) ?? today;
        var from = Day(query.From, "from", errors) ?? to.AddDays(1 - DaysDefault);
        if (errors.Count == 0 && (from > to || to.DayNumber - from.DayNumber >= DaysMax)) errors["from"] = [$"Not after to, and at most {DaysMax} days with it."];
        Category category = default;
        if (query.Category is not null && !EnumText.TryParse(query.Category, out category)) errors["category"] = [$"One of {string.Join(", ", TextOfAttribute.Of(typeof(Category)))}."];
        if (query.Domain?.Contains('\0') == true) errors["domain"] = ["A domain name is required."];
        if (query.Site?.Contains('\0') == true) errors["site"] = ["The name of a site is required."];
        var limit = Paging.Limit(query.Limit);
        if (limit is null) errors["limit"] = [$"Between 1 and {Paging.LimitMax}."];
        return new StatisticsWanted
        {
            From = from,
            To = to,
            GroupBy = Dimensions(query.GroupBy ?? "domain", errors),
            Domain = query.Domain,
            Category = query.Category is null ? null : category,
            Site = query.Site,
            Limit = limit ?? 0,
            Offset = ReadOffset(query.Cursor, errors),
        };
    }

    private static DateOnly? Day(string? text, string name, Dictionary<string, string[]> errors)
    {
        if (text is null) return null;
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) && day.Year is > 1970 and < 9000) return day;
        errors[name] = ["A day such as 2026-01-31 is required."];
        return null;
    }

    private static List<StatisticsDimension> Dimensions(string text, Dictionary<string, string[]> errors)
    {
        var dimensions = new List<StatisticsDimension>();
        foreach (var word in text.Split(',').Take(Enum.GetValues<StatisticsDimension>().Length + 1))
            if (EnumText.TryParse<StatisticsDimension>(word, out var dimension) && !dimensions.Contains(dimension)) dimensions.Add(dimension);
            else errors["groupBy"] = [$"Each of {string.Join(", ", TextOfAttribute.Of(typeof(StatisticsDimension)))} once, separated by commas."];
        return dimensions;
    }

    private static int ReadOffset(string? cursor, Dictionary<string, string[]> errors)
    {
        if (string.IsNullOrEmpty(cursor)) return 0;
        if (Paging.TryDecode(cursor, out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var offset)) return offset;
        errors["cursor"] = ["This is no cursor of these statistics."];
        return 0;
    }
}
