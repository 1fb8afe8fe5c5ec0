namespace BatchGen.Worker.Batches;

/// <summary>How many images go through the device at once: lowered when memory runs out, raised again by one after each batch.</summary>
internal sealed class TensorBatchLimit
{
    private readonly int _most;

    public TensorBatchLimit(int most) => Value = _most = most;

    /// <summary>Images that may be rendered at once now.</summary>
    public int Value { get; private set; }

    /// <summary>Lowers the limit, because memory ran out with more images than this.</summary>
    public void LowerTo(int images) => Value = Math.Max(1, Math.Min(Value, images));

    /// <summary>Raises the limit by one, up to where it started.</summary>
    public void Recover() => Value = Math.Min(_most, Value + 1);
}
