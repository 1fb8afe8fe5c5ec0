using BatchGen.Core.Failures;
using BatchGen.Diffusion.Adapters;
using BatchGen.Testing;

namespace BatchGen.TorchTests.Adapters;

/// <summary>A PEFT folder is its weights and its config together: both decide what is added to the model.</summary>
public sealed class PeftFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-peft-").FullName;

    public PeftFolderTests()
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(RepositoryPaths.Reference, "lora", "tiny-sd15", "peft_folder")))
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
    }

    private string Config => Path.Combine(_folder, "adapter_config.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_config_edited_since_the_folder_was_registered_is_refused(bool wasCached)
    {
        using var cache = new AdapterCache(1L << 30);
        var record = AdapterInspector.Inspect(_folder).ToRecord("folder");
        if (wasCached) cache.Return(cache.Rent(record));
        var text = File.ReadAllText(Config);
        File.WriteAllText(Config, text.Replace("\"lora_alpha\": 8.0", "\"lora_alpha\": 64.0", StringComparison.Ordinal));
        Assert.NotEqual(text, File.ReadAllText(Config));

        var error = Assert.Throws<AdapterException>(() => cache.Rent(record));

        Assert.Contains("changed since it was registered", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_config_that_appears_or_goes_makes_another_adapter()
    {
        var whole = AdapterInspector.Inspect(_folder).Sha256;
        File.Delete(Config);
        var bare = AdapterInspector.Inspect(_folder).Sha256;
        var file = AdapterInspector.Inspect(Path.Combine(_folder, "adapter_model.safetensors")).Sha256;

        Assert.NotEqual(whole, bare);
        // Without a config a folder is what its file is.
        Assert.Equal(file, bare);
    }

    [Fact]
    public void Weights_touched_beside_another_file_of_their_kind_are_looked_at_again()
    {
        using var cache = new AdapterCache(1L << 30);
        File.Copy(Path.Combine(_folder, "adapter_model.safetensors"), Path.Combine(_folder, "a.safetensors"));
        var record = AdapterInspector.Inspect(_folder).ToRecord("folder");
        cache.Return(cache.Rent(record));
        var path = Path.Combine(_folder, "adapter_model.safetensors");
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);

        Assert.Throws<AdapterException>(() => cache.Rent(record));
    }
}
