using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using BatchGen.Queue;

namespace BatchGen.Dashboard.Api;

/// <summary>The lines of a body. No more than one is held, and reading stops as soon as one is too long.</summary>
internal static class BodyLines
{
    /// <summary>Reads them; a line is valid until the next is asked for.</summary>
    /// <param name="body">The body.</param>
    /// <param name="maxBytes">Longest line taken.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="SubmitRefusedException">A line is longer.</exception>
    public static async IAsyncEnumerable<ReadOnlySequence<byte>> ReadAsync(PipeReader body, int maxBytes, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var number = 1; ;)
        {
            var read = await body.ReadAsync(cancellationToken);
            var rest = read.Buffer;
            // All of it also when the caller leaves in between: the server cannot end a request that is being read.
            var consumed = read.Buffer.End;
            try
            {
                while (rest.PositionOf((byte)'\n') is { } end)
                {
                    var line = rest.Slice(0, end);
                    Check(line);
                    yield return line;
                    rest = rest.Slice(rest.GetPosition(1, end));
                    number++;
                }

                Check(rest);
                if (read.IsCompleted)
                {
                    if (!rest.IsEmpty) yield return rest;
                    yield break;
                }

                consumed = rest.Start;
            }
            finally
            {
                body.AdvanceTo(consumed, read.Buffer.End);
            }

            void Check(ReadOnlySequence<byte> line)
            {
                if (line.Length > maxBytes) throw new SubmitRefusedException(string.Create(CultureInfo.InvariantCulture, $"Line {number} is longer than {maxBytes:N0} bytes."));
            }
        }
    }
}
