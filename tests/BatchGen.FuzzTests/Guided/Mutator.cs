using System.Globalization;
using System.Text;

namespace BatchGen.FuzzTests.Guided;

/// <summary>Makes new inputs of old ones, by the stacked changes that afl-fuzz calls havoc.</summary>
/// <param name="random">Where chance comes from.</param>
/// <param name="words">Parts that inputs are made of.</param>
/// <param name="maxBytes">Longest input in bytes.</param>
internal sealed class Mutator(Random random, IReadOnlyList<byte[]> words, int maxBytes)
{
    private const int MaxChanges = 16;
    private const int MaxRepeats = 2000;

    private static readonly byte[][] Numbers = [.. new[]
    {
        "0", "-1", "1", "255", "256", "65535", "65536", "2147483647", "2147483648", "-2147483648", "4294967296", "9223372036854775807",
        "9223372036854775808", "18446744073709551615", "1e308", "1e999", "-0", "0.1", "NaN", "1e-400", "00", "99999999999999999999999",
    }.Select(Encoding.UTF8.GetBytes)];

    /// <summary>An input made of one or two others.</summary>
    public byte[] Change(byte[] input, byte[] other)
    {
        var bytes = new List<byte>(input);
        for (var changes = 1 << random.Next(1, 5); changes > 0 && changes <= MaxChanges; changes--) ChangeOnce(bytes, other);
        if (bytes.Count > maxBytes) bytes.RemoveRange(maxBytes, bytes.Count - maxBytes);
        return [.. bytes];
    }

    private void ChangeOnce(List<byte> bytes, byte[] other)
    {
        if (bytes.Count == 0)
        {
            bytes.AddRange(Word());
            return;
        }

        var (at, length) = Range(bytes.Count);
        switch (random.Next(14))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes[at] = unchecked((byte)(bytes[at] + random.Next(-35, 36)));
                break;
            case 3:
                bytes.RemoveRange(at, length);
                break;
            case 4:
                bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, length));
                break;
            case 5:
                Repeat(bytes, at, length);
                break;
            case 6:
                bytes.InsertRange(at, Word());
                break;
            case 7:
                Overwrite(bytes, at, Word());
                break;
            case 8:
                ReplaceNumber(bytes, at);
                break;
            case 9:
                WriteNumber(bytes, at);
                break;
            case 10:
                if (other.Length > 0) bytes.InsertRange(at, Part(other));
                break;
            case 11:
                if (other.Length > 0) Overwrite(bytes, at, Part(other));
                break;
            case 12:
                if (other.Length > 0)
                {
                    bytes.RemoveRange(at, bytes.Count - at);
                    bytes.AddRange(other[Math.Min(at, other.Length)..]);
                }

                break;
            default:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
        }
    }

    // Text that repeats finds what costs more than its length.
    private void Repeat(List<byte> bytes, int at, int length)
    {
        // Most inputs stay short, since short ones run quickest.
        var part = bytes.GetRange(at, Math.Min(length, 16));
        var most = random.Next(8) == 0 ? MaxRepeats : 8;
        var times = Math.Clamp(random.Next(2, most + 1), 0, Math.Max(0, (maxBytes - bytes.Count) / part.Count));
        bytes.InsertRange(at, Enumerable.Repeat(part, times).SelectMany(again => again).ToArray());
    }

    private void ReplaceNumber(List<byte> bytes, int at)
    {
        while (at < bytes.Count && !char.IsAsciiDigit((char)bytes[at])) at++;
        var end = at;
        while (end < bytes.Count && char.IsAsciiDigit((char)bytes[end])) end++;
        if (end == at) return;
        bytes.RemoveRange(at, end - at);
        bytes.InsertRange(at, random.Next(3) == 0
            ? Encoding.UTF8.GetBytes(random.Next(100_000).ToString(CultureInfo.InvariantCulture))
            : Numbers[random.Next(Numbers.Length)]);
    }

    // Lengths in files are numbers of two, four and eight bytes in either order.
    private void WriteNumber(List<byte> bytes, int at)
    {
        long[] values =
        [
            0, 1, -1, 127, 128, 255, 256, 32767, 65535, int.MaxValue, int.MinValue, long.MaxValue, bytes.Count, bytes.Count - at,
        ];
        var number = BitConverter.GetBytes(values[random.Next(values.Length)]).AsSpan(0, 1 << random.Next(1, 4)).ToArray();
        if (random.Next(2) == 0) Array.Reverse(number);
        Overwrite(bytes, at, number);
    }

    private byte[] Word() => words.Count == 0 ? [(byte)random.Next(256)] : words[random.Next(words.Count)];

    private byte[] Part(byte[] other)
    {
        var (at, length) = Range(other.Length);
        return other[at..(at + length)];
    }

    private (int At, int Length) Range(int count)
    {
        var at = random.Next(count);
        var longest = Math.Min(count - at, random.Next(4) == 0 ? 4096 : 32);
        return (at, random.Next(1, longest + 1));
    }

    private static void Overwrite(List<byte> bytes, int at, byte[] part)
    {
        for (var i = 0; i < part.Length && at + i < bytes.Count; i++) bytes[at + i] = part[i];
    }
}
