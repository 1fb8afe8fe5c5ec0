namespace BatchGen.Output;

/// <summary>Facts one below the other, each behind its label.</summary>
/// <param name="output">Where they are printed.</param>
/// <param name="labelWidth">Width of the column of labels.</param>
internal sealed class LabelledLines(TextWriter output, int labelWidth = 16)
{
    /// <summary>Prints one fact; the second and further lines of its text are indented to the first.</summary>
    /// <param name="label">What the text is.</param>
    /// <param name="text">The text; null prints nothing.</param>
    public void Add(string label, string? text)
    {
        if (text is null) return;
        var indented = Printable.Lines(text).ReplaceLineEndings("\n" + new string(' ', labelWidth));
        output.WriteLine(label.PadRight(labelWidth) + indented);
    }

    /// <summary>Prints one fact unless its text is empty.</summary>
    public void AddUnlessEmpty(string label, string text) => Add(label, text.Length > 0 ? text : null);
}
