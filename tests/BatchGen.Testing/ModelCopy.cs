namespace BatchGen.Testing;

/// <summary>A model folder of a test's own, to be damaged.</summary>
public sealed class ModelCopy : IDisposable
{
    public ModelCopy(string source)
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"batchgen-model-{Guid.NewGuid():N}");
        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var target = System.IO.Path.Combine(Path, System.IO.Path.GetRelativePath(source, file));
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(target)!);
            File.Copy(file, target);
            // The source may be read-only.
            File.SetAttributes(target, FileAttributes.Normal);
        }
    }

    public string Path { get; }

    public string Combine(params string[] parts) => System.IO.Path.Combine([Path, .. parts]);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
