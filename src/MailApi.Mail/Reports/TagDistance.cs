namespace MailApi.Mail.Reports;

/// <summary>
/// Ends a text where the next <c>&lt;</c> does not come for too long. Since that character stands neither in names nor in attributes, this bounds both, which a reader of
/// XML keeps whole, and their number in one tag. Blanks before the first are left out: an XML declaration may only stand at the very beginning.
/// </summary>
internal sealed class TagDistance(TextReader inner) : TextReader
{
    private bool begun;
    private int distance;

    /// <summary>What is wrong, as the end of "It cannot be read: …"; null while nothing is.</summary>
    public string? Error { get; private set; }

    public override int Peek() => Error is null ? inner.Peek() : -1;

    public override int Read()
    {
        Span<char> one = stackalloc char[1];
        return Read(one) == 0 ? -1 : one[0];
    }

    public override int Read(char[] buffer, int index, int count) => Read(buffer.AsSpan(index, count));

    public override int Read(Span<char> buffer)
    {
        if (Error is not null) return 0;
        while (!begun && inner.Peek() is >= 0 and var next && char.IsWhiteSpace((char)next)) inner.Read();
        begun = true;
        var read = inner.Read(buffer);
        for (var rest = buffer[..read]; ;)
        {
            var tag = rest.IndexOf('<');
            distance += tag < 0 ? rest.Length : tag;
            if (distance > ReportLimits.XmlRunMax)
            {
                Error = $"it has a name, a tag or a text of more than {ReportLimits.XmlRunMax / 1024} KiB";
                return 0;
            }
            if (tag < 0) return read;
            distance = 0;
            rest = rest[(tag + 1)..];
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}
