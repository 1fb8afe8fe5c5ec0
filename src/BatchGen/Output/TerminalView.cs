using Spectre.Console.Rendering;

namespace BatchGen.Output;

/// <summary>What is drawn anew in place: unsafe characters in its text become blanks, which keep the width, while the library's own
/// sequences that move and colour pass.</summary>
internal sealed class TerminalView(IRenderable inner) : IRenderable
{
    /// <inheritdoc/>
    public Measurement Measure(RenderOptions options, int maxWidth) => inner.Measure(options, maxWidth);

    /// <inheritdoc/>
    public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => inner.Render(options, maxWidth).Select(segment =>
        segment.IsControlCode || segment.IsLineBreak ? segment : new Segment(Printable.Blanked(segment.Text), segment.Style));
}
