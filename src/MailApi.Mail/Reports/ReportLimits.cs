namespace MailApi.Mail.Reports;

/// <summary>Anyone may send what calls itself a report: how much of it is looked at. Reports of the largest receivers stay far below.</summary>
public static class ReportLimits
{
    /// <summary>Of a file as it comes, packed or not.</summary>
    public const int OctetsMax = 10 * 1024 * 1024;

    /// <summary>Of a mail: a file of <see cref="OctetsMax"/> in base64, and its header.</summary>
    public const int MessageOctetsMax = 16 * 1024 * 1024;

    /// <summary>Unpacked, all attachments of a mail together: <see cref="RecordsMax"/> of half a kilobyte each.</summary>
    public const int XmlOctetsMax = 50 * 1024 * 1024;

    /// <summary>Unpacked. Failures are told one by one, and yet no known report has a tenth of it.</summary>
    public const int JsonOctetsMax = 10 * 1024 * 1024;

    /// <summary>Unpacked to packed. Reports of a hundred thousand like records come to about 80; deflate alone reaches 1,032.</summary>
    public const int RatioMax = 250;

    public const int RecordsMax = 100_000;
    public const int DepthMax = 16;

    /// <summary>Of elements and attributes that differ; RFC 9990 has 45.</summary>
    public const int XmlNamesMax = 1_000;

    /// <summary>Characters between one tag's begin and the next one's: bounds names, attributes and texts alike.</summary>
    public const int XmlRunMax = 64 * 1024;

    /// <summary>Of a value that is kept; the rest is cut off.</summary>
    public const int TextMax = 512;

    /// <summary>Results of a mechanism in one record.</summary>
    public const int ResultsMax = 20;

    /// <summary>Of an archive that are looked at; a report is alone in its own.</summary>
    public const int ZipEntriesMax = 8;

    /// <summary>Policies in a TLS report.</summary>
    public const int PoliciesMax = 1_000;

    /// <summary>Failures in a TLS report, over all policies.</summary>
    public const int FailuresMax = 20_000;

    /// <summary>Messages or sessions that one line of a report may claim; sums of a year of them stay far within 64 bits.</summary>
    public const long CountMax = 1_000_000_000;
}
