using System.Net;
using System.Text;
using System.Xml;
using MailApi.Api;
using MailApi.Storage;

namespace MailApi.Tests.Architecture;

/// <summary>One use of each kind, for the test that <see cref="CompiledCode"/> finds them all.</summary>
internal sealed class UsesEverywhere
{
    private readonly List<StringBuilder[]> field = [];

    [Obsolete("An attribute.")]
    public static Uri? Signature(ref Guid value) => null;

    public static async Task<int> Local()
    {
        await Task.Yield();
        try
        {
            return IPAddress.IPv6Loopback.GetAddressBytes().Length;
        }
        catch (XmlException)
        {
            return typeof(Lock).Name.Length;
        }
    }

    public int Lambda()
    {
        Func<object, bool> isId = value => value is TenantId;
        Func<int> length = Problem.NotFound.Title.ToString().GetHashCode;
        return field.Count + length() + (isId(Vault.KeyBytes) ? 1 : 0);
    }

    public static string Switch(int value) => value switch
    {
        0 => "zero",
        1 => "one",
        2 => "two",
        3 => "three",
        4 => "four",
        _ => new Version(value, 0).ToString(),
    };

    private sealed class Nested<T> where T : FileNotFoundException
    {
        public static byte[] Derive(Vault vault) => vault.Derive("test");
    }
}
