using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;

namespace MailApi.Mail.Bounces;

/// <summary>
/// .NET brings UTF-8, UTF-16 and Latin-1 alone; GBK, GB18030, Big5, KOI8-R, Windows-1251, Shift_JIS, EUC-JP and ISO-2022-JP, in which bounces are written, come
/// with a provider that must be registered. MimeKit looks its encodings up once, when its first type is used, so this must come before: when this library is
/// loaded. It adds names to <see cref="Encoding.GetEncoding(string)"/> and changes none.
/// </summary>
internal static class CodePages
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Any later is too late, see above.")]
    internal static void Register() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
}
