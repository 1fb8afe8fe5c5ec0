using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using BatchGen.Queue;

namespace BatchGen.Dashboard.Api;

/// <summary>Reads a body line by line. No more than one line is held, and reading stops as soon as a line is too long.</summary>
internal static class BodyLines
{
    /// <summary>Reads the lines; a line is valid until the next one is asked for.</summary>
    /// <param name="body">The body of the call.</param>
    /// <param name="maxBytes">Length of the longest line that is accepted.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="SubmitRefusedException">A line is longer than allowed.</exception>
    public static async IAsyncEnumerable<ReadOnlySequence<byte>> ReadAsync(
        PipeReader body, int maxBytes, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var number = 1; ;)
        {
            var read = await body.ReadAsync(cancellationToken);
            var rest = read.Buffer;
            // Everything is marked as read when the caller stops in between: the server cannot end a request that is being read.
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
                if (line.Length <= maxBytes) return;
                throw new SubmitRefusedException(
                    string.Create(CultureInfo.InvariantCulture, $"Line {number} is longer than {maxBytes:N0} bytes."));
            }
        }
    }
}
