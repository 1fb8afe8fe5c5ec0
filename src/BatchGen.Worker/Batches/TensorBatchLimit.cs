namespace BatchGen.Worker.Batches;

/// <summary>How many pictures go through the device at once: lowered when memory runs out, raised again one by one after calm batches.</summary>
internal sealed class TensorBatchLimit
{
    private readonly int _most;

    public TensorBatchLimit(int most) => Value = _most = most;

    /// <summary>The limit now.</summary>
    public int Value { get; private set; }

    /// <summary>Memory ran out with more than this.</summary>
    public void LowerTo(int pictures) => Value = Math.Max(1, Math.Min(Value, pictures));

    /// <summary>A batch went through without running out of memory.</summary>
    public void Recover() => Value = Math.Min(_most, Value + 1);
}
