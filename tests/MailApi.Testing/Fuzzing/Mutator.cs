using System.Text;

namespace MailApi.Testing.Fuzzing;

/// <summary>Makes inputs out of others: by octets, by lines, by words of the format. What it makes depends on the generator alone.</summary>
internal sealed class Mutator(Random random, IReadOnlyList<byte[]> words)
{
    public const int OctetsMax = 64 << 10;
    private const int StepsMax = 8;
    private static readonly byte[] Telling = [0, 1, 9, 10, 13, 26, 27, 32, 34, 40, 41, 44, 45, 46, 58, 59, 60, 61, 62, 63, 64, 92, 127, 128, 0xC3, 0xE5, 0xED, 0xFE, 0xFF];
    private static readonly string[] Numbers = ["0", "-1", "1", "65536", "2147483648", "99999999999999999999", "550", "5.1.1"];

    public byte[] Change(byte[] seed, Func<byte[]> another)
    {
        var input = new List<byte>(seed);
        for (var steps = 1 + random.Next(StepsMax); steps > 0; steps--) Step(input, another);
        return [.. input.Take(OctetsMax)];
    }

    private void Step(List<byte> input, Func<byte[]> another)
    {
        switch (random.Next(12))
        {
            case 0: Flip(input); break;
            case 1: Put(input, [(byte)random.Next(256)]); break;
            case 2: Put(input, [Telling[random.Next(Telling.Length)]]); break;
            case 3: Cut(input); break;
            case 4: input.RemoveRange(At(input), input.Count - At(input, keep: true)); break;
            case 5: Splice(input, another()); break;
            case 6: Put(input, Word()); break;
            case 7: RepeatLine(input); break;
            case 8: DropLine(input); break;
            case 9: MoveLine(input); break;
            case 10: Put(input, Encoding.ASCII.GetBytes(Numbers[random.Next(Numbers.Length)])); break;
            default: Swell(input); break;
        }
    }

    private int last;

    /// <summary>A place, or with <paramref name="keep"/> the one before.</summary>
    private int At(List<byte> input, bool keep = false) => keep ? last : last = random.Next(input.Count + 1);

    private byte[] Word() => words.Count > 0 ? words[random.Next(words.Count)] : [.. "\r\n"u8];

    private void Flip(List<byte> input)
    {
        for (var flips = 1 + random.Next(4); flips > 0 && input.Count > 0; flips--) input[random.Next(input.Count)] ^= (byte)(1 << random.Next(8));
    }

    private void Put(List<byte> input, byte[] octets) => input.InsertRange(At(input), octets);

    private void Cut(List<byte> input)
    {
        var at = At(input);
        input.RemoveRange(at, Math.Min(input.Count - at, random.Next(1 + Math.Min(200, input.Count))));
    }

    /// <summary>The beginning of one and the end of another, or a piece of another in the midst.</summary>
    private void Splice(List<byte> input, byte[] other)
    {
        var from = random.Next(other.Length + 1);
        var piece = other.AsSpan(from, random.Next(other.Length - from + 1));
        var at = At(input);
        if (random.Next(2) == 0) input.RemoveRange(at, input.Count - at);
        input.InsertRange(at, piece.ToArray());
    }

    private void RepeatLine(List<byte> input)
    {
        var (begin, length) = Line(input);
        var line = input.GetRange(begin, length);
        for (var times = random.Next(8) == 0 ? 300 : 1 + random.Next(3); times > 0 && input.Count < OctetsMax; times--) input.InsertRange(begin, line);
    }

    private void DropLine(List<byte> input)
    {
        var (begin, length) = Line(input);
        input.RemoveRange(begin, length);
    }

    private void MoveLine(List<byte> input)
    {
        var (begin, length) = Line(input);
        var line = input.GetRange(begin, length);
        input.RemoveRange(begin, length);
        input.InsertRange(Line(input).Begin, line);
    }

    /// <summary>Something short, very often.</summary>
    private void Swell(List<byte> input)
    {
        var at = At(input);
        var piece = input.GetRange(at, Math.Min(input.Count - at, 1 + random.Next(16)));
        if (piece.Count == 0) piece = [.. Word()];
        for (var times = 1 << random.Next(12); times > 0 && input.Count < OctetsMax; times--) input.InsertRange(at, piece);
    }

    private (int Begin, int Length) Line(List<byte> input)
    {
        if (input.Count == 0) return (0, 0);
        var at = random.Next(input.Count);
        var begin = at == 0 ? 0 : input.LastIndexOf((byte)'\n', at - 1) + 1;
        var end = input.IndexOf((byte)'\n', at);
        return (begin, (end < 0 ? input.Count : end + 1) - begin);
    }
}
