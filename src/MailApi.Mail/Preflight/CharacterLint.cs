using System.Text;
using static MailApi.Mail.Preflight.Check;
using static MailApi.Mail.Preflight.CheckGroup;

namespace MailApi.Mail.Preflight;

/// <summary>Characters that deceive: those that nobody sees, and those that look like others.</summary>
internal static class CharacterLint
{
    private const int InsideWordsMax = 2;

    public static Check HiddenCharacters(RenderedMessage message)
    {
        const string cure = "Take it out; it often comes with text copied from a web page or an editor.";
        var head = $"{message.Subject}\n{message.From?.Name}";
        if (FirstOf(head + message.VisibleText, IsOverride) is { } turned)
            return Fail("hiddenCharacters", Content, $"The text holds U+{turned.Value:X4}, which turns the direction of text round; it is used to disguise names and links.",
                cure);
        if (FirstHidden(head) is { } hidden)
            return Warn("hiddenCharacters", Content, $"The subject or the name in From holds the invisible character U+{hidden.Value:X4}.", cure);
        var inside = InsideWords(message.VisibleText);
        return inside > InsideWordsMax
            ? Fail("hiddenCharacters", Content, $"{inside} words have invisible characters inside, which is how spam hides words from filters.", cure)
            : Pass("hiddenCharacters", Content, "No invisible characters where there should be none.");
    }

    public static Check MixedScripts(RenderedMessage message)
    {
        const string cure = "Type the word anew on one keyboard layout.";
        if (Confusables.MixedWord(message.From?.Name ?? "") is { } name)
            return Fail("mixedScripts", Content, $"In the name in From, '{Shown.Text(name)}' mixes letters of two alphabets that look alike: that is how names are forged.",
                cure);
        if (Confusables.MixedWord(message.Subject) is { } word)
            return Fail("mixedScripts", Content, $"In the subject, '{Shown.Text(word)}' mixes letters of two alphabets that look alike, as spam does against filters.",
                cure);
        return Confusables.MixedWord(message.VisibleText) is { } inText
            ? Warn("mixedScripts", Content, $"In the text, '{Shown.Text(inText)}' mixes letters of two alphabets that look alike.", cure)
            : Pass("mixedScripts", Content, "No word mixes alphabets.");
    }

    private static bool IsOverride(Rune rune) => rune.Value is 0x202D or 0x202E;

    private static Rune? FirstOf(string text, Func<Rune, bool> fits)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (fits(rune)) return rune;
        }
        return null;
    }

    /// <summary>Joiners and marks of direction belong to Arabic, Hebrew, the scripts of India and emoji, and are let be; tags belong to flags.</summary>
    private static Rune? FirstHidden(string text)
    {
        var flag = false;
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value is 0x200B or 0x2060 or 0xFEFF or 0x00AD or 0x180E or 0x034F or >= 0x2061 and <= 0x2064 or 0x115F or 0x3164) return rune;
            if (rune.Value is >= 0xE0000 and <= 0xE007F && !flag) return rune;
            flag = rune.Value == 0x1F3F4 || (flag && rune.Value is >= 0xE0000 and <= 0xE007F);
        }
        return null;
    }

    /// <summary>Between two Latin letters; soft hyphens are for long words, and Thai and Khmer part words by U+200B.</summary>
    private static int InsideWords(string text)
    {
        var count = 0;
        for (var i = 1; i + 1 < text.Length; i++)
        {
            if (text[i] is '\u200B' or '\u2060' or '\uFEFF' or '\u200C' or '\u200D' && char.IsAsciiLetter(text[i - 1]) && char.IsAsciiLetter(text[i + 1])) count++;
        }
        return count;
    }
}
