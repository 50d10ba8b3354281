using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace MailApi.Mail.Bounces;

/// <summary>A field as mail and its reports have them: <c>Name: value</c>, unfolded.</summary>
internal readonly record struct Field(string Name, string Value);

/// <summary>The fields of a header, or of a block of a report, in their order; the first of a name counts.</summary>
internal sealed class FieldBlock(IReadOnlyList<Field> fields)
{
    /// <summary>Fields of a header that are read (THREATS: more than that no mail of people or reports has).</summary>
    public const int FieldsMax = 200;
    public const int ValueCharsMax = 16 << 10;

    public static readonly FieldBlock Empty = new([]);

    public IReadOnlyList<Field> Fields => fields;

    public string? this[string name]
    {
        get
        {
            foreach (var field in fields)
                if (field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) return field.Value;
            return null;
        }
    }

    public bool Has(string name) => this[name] is not null;

    public IEnumerable<string> All(string name) => fields.Where(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value);

    /// <summary>
    /// Reads lines for as long as they look like fields; a blank line ends the block, which is where the rest begins. Lines that are neither a field nor the
    /// continuation of one are passed over.
    /// </summary>
    public static FieldBlock Read(ref ReadOnlySpan<char> text)
    {
        var fields = new List<Field>();
        // Lines of one field are joined once: a value of many short ones must not be copied for each.
        var value = new StringBuilder();
        string? name = null;
        while (text.Length > 0)
        {
            var line = Line(ref text);
            if (line.Trim().IsEmpty)
            {
                if (name is not null) break;
                continue;
            }
            if (line[0] is ' ' or '\t' && name is not null) Append(value.Append(' '), line.Trim());
            else if (fields.Count < FieldsMax && TryRead(line, out var next, out var begins))
            {
                if (name is not null) fields.Add(new Field(name, value.ToString()));
                name = next;
                Append(value.Clear(), begins);
            }
        }
        if (name is not null) fields.Add(new Field(name, value.ToString()));
        return new FieldBlock(fields);
    }

    /// <summary>All of a text, blank lines or not.</summary>
    public static FieldBlock ReadAll(ReadOnlySpan<char> text)
    {
        var fields = new List<Field>();
        while (text.Length > 0 && fields.Count < FieldsMax) fields.AddRange(Read(ref text).Fields);
        return new FieldBlock(fields);
    }

    /// <summary>The next line of a text, without its end, which is taken off.</summary>
    public static ReadOnlySpan<char> Line(ref ReadOnlySpan<char> text)
    {
        var end = text.IndexOf('\n');
        var line = end < 0 ? text : text[..end];
        text = end < 0 ? [] : text[(end + 1)..];
        return line.TrimEnd('\r');
    }

    private static void Append(StringBuilder value, ReadOnlySpan<char> text) => value.Append(text.Truncate(Math.Max(0, ValueCharsMax - value.Length)));

    private static bool TryRead(ReadOnlySpan<char> line, [NotNullWhen(true)] out string? name, out ReadOnlySpan<char> value)
    {
        name = null;
        value = [];
        var colon = line.IndexOf(':');
        if (colon is < 1 or > 60) return false;
        var written = line[..colon].TrimEnd();
        foreach (var c in written)
            if (c is <= ' ' or > '~') return false;
        name = written.ToString();
        value = line[(colon + 1)..].Trim();
        return true;
    }
}
