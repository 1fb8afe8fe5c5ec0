using BatchGen.Core.Failures;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Rendering;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Text;
using BatchGen.Testing;

namespace BatchGen.UnitTests.Diffusion;

/// <summary>Pipes, devices and folders in the place of a model's or adapter's files are refused, and nobody waits for them.</summary>
public sealed class IrregularModelFileTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private static string Demo => Path.Combine(RepositoryPaths.Models, "demo");

    /// <summary>Every file of the demo model that decides what it draws.</summary>
    public static TheoryData<string> ModelFiles => [.. ModelFolder.Read(Demo).Files];

    [Theory]
    [MemberData(nameof(ModelFiles))]
    public async Task A_file_of_a_model_that_is_no_regular_file_is_refused_when_registered_and_when_checked(string file)
    {
        foreach (var make in (Action<string>[])[IrregularFiles.MakePipe, IrregularFiles.MakeDeviceLink, IrregularFiles.MakeFolder])
        {
            using var model = new ModelCopy(Demo);
            var registered = ModelInspector.Inspect(model.Path, "demo");
            make(model.Combine(file));

            var error = await ThrowsAsync<ModelException>(() => ModelInspector.Inspect(model.Path, "demo"));
            Assert.Contains(Path.GetDirectoryName(model.Combine(file))!, error.Message, StringComparison.Ordinal);
            var lack = await ThrowsAsync<ModelException>(() => MasterFiles.Check(registered, CancellationToken.None));
            Assert.NotNull(lack.Lack);
        }
    }

    [Theory]
    [InlineData("vocab.json")]
    [InlineData("merges.txt")]
    [InlineData("tokenizer_config.json")]
    [InlineData("special_tokens_map.json")]
    public async Task A_file_of_a_tokenizer_that_is_a_named_pipe_is_refused(string file)
    {
        using var model = new ModelCopy(Demo);
        IrregularFiles.MakePipe(model.Combine("tokenizer", file));
        var error = await ThrowsAsync<ModelException>(() => ClipTokenizer.Load(model.Combine("tokenizer")));
        Assert.Contains("it is a named pipe", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_of_shards_that_is_a_named_pipe_is_refused()
    {
        using var model = new ModelCopy(Demo);
        foreach (var whole in Directory.GetFiles(model.Combine("unet"), "*.safetensors")) File.Delete(whole);
        var index = model.Combine("unet", "diffusion_pytorch_model.safetensors.index.json");
        IrregularFiles.MakePipe(index);
        var error = await ThrowsAsync<ModelException>(() => ModelFolder.Read(model.Path));
        Assert.Contains($"'{index}' could not be read: it is a named pipe", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_single_file_that_is_a_named_pipe_is_no_model_and_no_adapter()
    {
        var path = Path.Combine(Path.GetTempPath(), $"batchgen-pipe-{Guid.NewGuid():N}.safetensors");
        IrregularFiles.MakePipe(path);
        Assert.Contains("it is a named pipe", (await ThrowsAsync<ModelException>(() => ModelInspector.Inspect(path, "pipe"))).Message,
            StringComparison.Ordinal);
        Assert.Contains("it is a named pipe", (await ThrowsAsync<AdapterException>(() => AdapterInspector.Inspect(path))).Message,
            StringComparison.Ordinal);
        await ThrowsAsync<SafetensorsException>(() => SafetensorsFile.HashFile(path));
        File.Delete(path);
    }

    [Theory]
    [InlineData("adapter_config.json")]
    [InlineData("adapter_model.safetensors")]
    public async Task A_folder_of_an_adapter_with_a_named_pipe_in_it_is_refused(string pipe)
    {
        var folder = Directory.CreateTempSubdirectory("batchgen-peft-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "adapter_config.json"), "{}");
        SafetensorsWriter.Write(
            Path.Combine(folder, "adapter_model.safetensors"), [new("x", SafetensorsType.F32, [4], new byte[16])]);
        IrregularFiles.MakePipe(Path.Combine(folder, pipe));
        Assert.Contains("it is a named pipe", (await ThrowsAsync<AdapterException>(() => AdapterInspector.Inspect(folder))).Message,
            StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    private static Task<T> ThrowsAsync<T>(Action action) where T : Exception =>
        Wait.ForAsync("the file was refused", Task.Run(() => Assert.Throws<T>(action)), Limit);
}
