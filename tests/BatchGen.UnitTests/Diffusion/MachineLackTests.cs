using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Rendering;
using BatchGen.Diffusion.Safetensors;

namespace BatchGen.UnitTests.Diffusion;

/// <summary>What this machine lacks is told from what was registered wrong.</summary>
public sealed class MachineLackTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-lack-").FullName;

    private string AdapterPath => Path.Combine(_folder, "ink.safetensors");

    public void Dispose()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    /// <summary>What happens to the file of an adapter after it was registered.</summary>
    public static TheoryData<string, Action<string>> AdapterFaults => new()
    {
        { "it is missing", File.Delete },
        { "its folder is missing", path => Directory.Delete(Path.GetDirectoryName(path)!, recursive: true) },
        { "it is cut off", path => Cut(path, 40) },
        { "it is cut off before its header", path => Cut(path, 3) },
        { "it is empty", path => Cut(path, 0) },
        { "one bit differs", path => Flip(path, ^1) },
        { "a bit of its header differs", path => Flip(path, 12) },
        { "it is a folder", path => Replace(path, () => Directory.CreateDirectory(path)) },
        { "it is a text", path => File.WriteAllText(path, "<html>404</html> and more than eight bytes") },
    };

    [Theory]
    [MemberData(nameof(AdapterFaults))]
    public void An_adapter_file_that_is_not_as_registered_is_what_this_machine_lacks(string fault, Action<string> happens)
    {
        Assert.NotEmpty(fault);
        WriteAdapter();
        var registered = AdapterInspector.Inspect(AdapterPath).ToRecord("ink");
        AdapterFile.Load(AdapterPath, registered).Dispose();

        happens(AdapterPath);
        var error = Assert.Throws<AdapterException>(() => AdapterFile.Load(AdapterPath, registered));

        Assert.Equal(new MachineLack(LackKind.Adapter, "ink", registered.Sha256), error.Lack);
    }

    [Fact]
    public void An_adapter_registered_with_content_that_cannot_work_is_no_lack_of_this_machine()
    {
        SafetensorsWriter.Write(
            AdapterPath,
            [new("words", SafetensorsType.F32, [4], new byte[16]), new("more", SafetensorsType.F32, [4], new byte[16])]);
        var registered = RecordOf(SafetensorsFile.HashFile(AdapterPath));
        Assert.Null(Assert.Throws<AdapterException>(() => AdapterFile.Load(AdapterPath, registered)).Lack);

        File.WriteAllText(AdapterPath, "not a safetensors file");
        registered = RecordOf(SafetensorsFile.HashFile(AdapterPath));
        Assert.Null(Assert.Throws<AdapterException>(() => AdapterFile.Load(AdapterPath, registered)).Lack);
    }

    [Fact]
    public void Damage_of_a_file_that_is_being_registered_is_no_lack()
    {
        File.WriteAllText(AdapterPath, "x");
        Assert.Null(Assert.Throws<AdapterException>(() => AdapterInspector.Inspect(AdapterPath)).Lack);
    }

    /// <summary>What happens to a file of a model after it was registered.</summary>
    public static TheoryData<string, Action<string>> ModelFaults => new()
    {
        { "it is missing", File.Delete },
        { "it is cut off", path => Cut(path, 40) },
        { "one bit differs", path => Flip(path, ^1) },
        { "it is a folder", path => Replace(path, () => Directory.CreateDirectory(path)) },
        { "it is a link that leads nowhere", path => Replace(path, () => File.CreateSymbolicLink(path, path + "-gone")) },
    };

    [Theory]
    [MemberData(nameof(ModelFaults))]
    public void A_model_file_that_is_not_as_registered_is_what_this_machine_lacks(string fault, Action<string> happens)
    {
        Assert.NotEmpty(fault);
        var model = Model();
        _ = MasterFiles.Check(model, CancellationToken.None);

        happens(Path.Combine(_folder, "unet.safetensors"));
        var error = Assert.Throws<ModelException>(() => MasterFiles.Check(model, CancellationToken.None));

        Assert.Equal(new MachineLack(LackKind.Model, "demo", "digest"), error.Lack);
    }

    [Fact]
    public void A_model_file_written_to_while_it_is_read_is_what_this_machine_lacks()
    {
        var model = Model();
        var files = MasterFiles.Check(model, CancellationToken.None);
        files.ThrowIfChanged(error: null);

        var path = Path.Combine(_folder, "unet.safetensors");
        Flip(path, ^1);
        File.SetLastWriteTimeUtc(path, File.GetLastWriteTimeUtc(path).AddSeconds(1));
        Assert.NotNull(Assert.Throws<ModelException>(() => files.ThrowIfChanged(error: null)).Lack);
    }

    [Fact]
    public void An_error_of_the_file_system_while_a_model_is_read_is_a_lack_and_one_of_its_content_is_not()
    {
        var files = MasterFiles.Check(Model(), CancellationToken.None);
        Assert.NotNull(Assert.Throws<ModelException>(
            () => files.ThrowIfChanged(new ModelException("tokenizer", new UnauthorizedAccessException("denied")))).Lack);
        Assert.Null(Record.Exception(() => files.ThrowIfChanged(new ModelException("two networks that do not fit"))));
    }

    private static void Cut(string path, long length)
    {
        using var file = File.Open(path, FileMode.Open);
        file.SetLength(length);
    }

    private static void Flip(string path, Index place)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[place] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private static void Replace(string path, Action make)
    {
        File.Delete(path);
        make();
    }

    private void WriteAdapter() => SafetensorsWriter.Write(AdapterPath,
    [
        new("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", SafetensorsType.F32, [1, 4], new byte[16]),
        new("lora_unet_mid_block_attentions_0_proj_in.lora_up.weight", SafetensorsType.F32, [4, 1], new byte[16]),
    ]);

    private AdapterRecord RecordOf(string sha256) => new("ink", AdapterPath, sha256, 1, "", "", "", 0, 0, 0, []);

    private ModelRecord Model()
    {
        var path = Path.Combine(_folder, "unet.safetensors");
        File.WriteAllBytes(path, new byte[100]);
        return new ModelRecord("demo", _folder, "sd15", "digest", ModelInspector.Hash(_folder, ["unet.safetensors"]));
    }
}
