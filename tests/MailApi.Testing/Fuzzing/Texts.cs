using System.Text;

namespace MailApi.Testing.Fuzzing;

/// <summary>Inputs of readers that take text.</summary>
public static class Texts
{
    private static readonly Encoding StrictUtf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static byte[][] Octets(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    /// <summary>As UTF-8, or else each octet one character, so that every input is one.</summary>
    public static string Of(byte[] input)
    {
        try
        {
            return StrictUtf8.GetString(input);
        }
        catch (DecoderFallbackException)
        {
            return Encoding.Latin1.GetString(input);
        }
    }
}
