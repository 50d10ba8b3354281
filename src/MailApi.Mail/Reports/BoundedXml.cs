using System.Text;
using System.Xml;

namespace MailApi.Mail.Reports;

/// <summary>
/// XML of strangers, read forwards. It has no document type, so no entities, and nothing is fetched. What the platform's reader keeps in memory is bounded: the depth,
/// the names, and how far the next tag may be (<see cref="TagDistance"/>).
/// </summary>
internal sealed class BoundedXml : IDisposable
{
    private readonly XmlReader xml;
    private readonly TagDistance text;
    private readonly Expansion octets;
    private readonly char[] chunk = new char[256];
    private readonly StringBuilder value = new();
    private readonly HashSet<string> known = [];

    public BoundedXml(Expansion octets)
    {
        this.octets = octets;
        // A reader of text takes octets that are no UTF-8 for what they are, a flaw in a name, where the reader of octets ends.
        text = new TagDistance(new StreamReader(octets, Encoding.UTF8, detectEncodingFromByteOrderMarks: true));
        xml = XmlReader.Create(text, new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = ReportLimits.XmlOctetsMax,
            MaxCharactersFromEntities = 1,
            NameTable = new BoundedNames(),
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
            IgnoreWhitespace = true,
            CloseInput = true,
        });
    }

    /// <summary>Of the element that was come to, in lower case.</summary>
    public string Name => xml.LocalName.ToLowerInvariant();

    public string Namespace => xml.NamespaceURI;

    /// <summary>What ended the reading, as the end of "It cannot be read: …".</summary>
    public string Reason(XmlException e) => octets.Error ?? text.Error ?? $"it is no XML that can be read ({ReportText.Clean(e.Message).TrimEnd('.')})";

    /// <summary>Goes to the root element.</summary>
    /// <exception cref="XmlException">There is none.</exception>
    public void Root()
    {
        while (Read() && xml.NodeType != XmlNodeType.Element) { }
    }

    /// <summary>Goes through the elements within this one. What is called must go through each: <see cref="Children"/>, <see cref="Text"/> or <see cref="Skip"/>.</summary>
    /// <exception cref="XmlException">It is no XML, or beyond the bounds.</exception>
    public void Children(Action<string> onChild)
    {
        if (xml.IsEmptyElement) return;
        var depth = xml.Depth;
        while (ReadWithin(depth))
            if (xml.NodeType == XmlNodeType.Element) onChild(Name);
    }

    /// <exception cref="XmlException">It is no XML, or beyond the bounds.</exception>
    public void Skip()
    {
        if (xml.IsEmptyElement) return;
        var depth = xml.Depth;
        while (ReadWithin(depth)) { }
    }

    /// <summary>The text of this element, cleaned and cut; elements within it are passed over.</summary>
    /// <exception cref="XmlException">It is no XML, or beyond the bounds.</exception>
    public string Text()
    {
        if (xml.IsEmptyElement) return "";
        value.Clear();
        var depth = xml.Depth;
        while (ReadWithin(depth))
        {
            if (xml.NodeType is not (XmlNodeType.Text or XmlNodeType.CDATA)) continue;
            while (xml.ReadValueChunk(chunk, 0, chunk.Length) is > 0 and var read)
                if (value.Length <= ReportLimits.TextMax) value.Append(chunk, 0, read);
        }
        var clean = ReportText.Clean(value.ToString());
        // Domains and results are the same ones again and again.
        if (known.TryGetValue(clean, out var same)) return same;
        known.Add(clean);
        return clean;
    }

    public void Dispose() => xml.Dispose();

    /// <summary>False at the end of the element of this depth.</summary>
    private bool ReadWithin(int depth)
    {
        if (!Read()) throw new XmlException("The document ends in the middle.");
        return xml.NodeType != XmlNodeType.EndElement || xml.Depth != depth;
    }

    private bool Read()
    {
        if (!xml.Read()) return false;
        if (xml.Depth > ReportLimits.DepthMax) throw new XmlException($"Its elements are nested more than {ReportLimits.DepthMax} deep.");
        return true;
    }

    /// <summary>The names of a document, which the platform keeps for as long as it reads.</summary>
    private sealed class BoundedNames : NameTable
    {
        private int count;

        public override string Add(char[] key, int start, int len) => Get(key, start, len) ?? Count(base.Add(key, start, len));

        public override string Add(string key) => Get(key) ?? Count(base.Add(key));

        private string Count(string added) =>
            ++count <= ReportLimits.XmlNamesMax ? added : throw new XmlException($"It has more than {ReportLimits.XmlNamesMax} names of elements and attributes.");
    }
}
