using System.Globalization;
using AngleSharp.Dom;

namespace MailApi.Mail.Preflight;

/// <summary>As much of inline CSS as hides text, and how it is inherited.</summary>
/// <param name="IsGone">Nothing inside can be seen, whatever its style.</param>
/// <param name="IsTiny">Of a font of no size. Templates set that against gaps between cells and give texts inside a size again.</param>
/// <param name="IsBlank">Of the colour of its ground.</param>
internal readonly record struct HtmlStyle(bool IsGone, bool IsTiny, bool IsBlank)
{
    private const int DeclarationsMax = 100;

    public bool Hides => IsGone || IsTiny || IsBlank;

    /// <summary>The style of an element inside one of this style.</summary>
    public HtmlStyle Of(IElement element)
    {
        var style = this with { IsGone = IsGone || element.HasAttribute("hidden") };
        string? ink = null, paper = null;
        foreach (var declaration in element.GetAttribute("style")?.Split(';', DeclarationsMax) ?? [])
        {
            var colon = declaration.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0) continue;
            var name = declaration[..colon].Trim().ToLowerInvariant();
            var value = declaration[(colon + 1)..].Replace("!important", "", StringComparison.OrdinalIgnoreCase).Trim().ToLowerInvariant();
            if (Removes(name, value)) style = style with { IsGone = true };
            if (name == "font-size") style = style with { IsTiny = IsNoSize(value) };
            if (name == "color") ink = Colour(value);
            if (name is "background" or "background-color") paper = Colour(value);
        }
        return ink is null ? style : style with { IsBlank = ink == paper };
    }

    private static bool Removes(string name, string value) => name switch
    {
        "display" => value == "none",
        "visibility" => value is "hidden" or "collapse",
        "mso-hide" => value == "all",
        "opacity" => Number(value) is < 0.05,
        "text-indent" => value.StartsWith('-') && value.EndsWith("px", StringComparison.Ordinal) && Number(value[..^2]) is < -500,
        _ => false,
    };

    /// <summary>One or two pixels are as good as none.</summary>
    private static bool IsNoSize(string value) => value.EndsWith("px", StringComparison.Ordinal) ? Number(value[..^2]) is < 3 : Number(value) is 0;

    private static double? Number(string value) => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>One form for <c>#fff</c>, <c>#ffffff</c> and <c>white</c>.</summary>
    private static string Colour(string value) => value switch
    {
        "white" => "#ffffff",
        "black" => "#000000",
        ['#', var r, var g, var b] => $"#{r}{r}{g}{g}{b}{b}",
        _ => value,
    };
}
