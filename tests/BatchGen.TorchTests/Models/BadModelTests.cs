using BatchGen.Testing;
using System.Buffers.Binary;
using System.Text.Json.Nodes;
using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Safetensors;
using TorchSharp;

namespace BatchGen.TorchTests.Models;

/// <summary>Each damage to a model folder gives one clear error.</summary>
public sealed class BadModelTests : IDisposable
{
    private readonly ModelCopy _model = new(DemoModel.Path);

    public void Dispose() => _model.Dispose();

    [Fact]
    public void A_sound_folder_is_inspected_and_loaded()
    {
        var record = ModelInspector.Inspect(_model.Path, "copy");
        using var model = Load();

        Assert.Equal("sd15", record.Family);
        Assert.Equal(DemoModel.Record.Sha256, record.Sha256);
        Assert.Contains(record.Files, file => file.RelativePath == "unet/diffusion_pytorch_model.safetensors" && file.Sha256.Length == 64);
        Assert.Equal(torch.ScalarType.Float32, model.ComputeType);
    }

    [Fact]
    public void A_folder_that_does_not_exist_is_refused() =>
        Refused("does not exist", () => ModelInspector.Inspect(_model.Path + "-absent", "copy"));

    [Fact]
    public void A_folder_without_an_index_is_refused()
    {
        File.Delete(_model.Combine("model_index.json"));
        Refused("model_index.json", Inspect);
    }

    [Fact]
    public void A_pickle_instead_of_safetensors_is_refused()
    {
        File.Move(_model.Combine("unet", "diffusion_pytorch_model.safetensors"), _model.Combine("unet", "diffusion_pytorch_model.bin"));
        Refused("pickle", Inspect);
    }

    [Fact]
    public void A_folder_with_only_a_pickled_checkpoint_is_refused()
    {
        File.Delete(_model.Combine("model_index.json"));
        File.WriteAllText(_model.Combine("model.ckpt"), "x");
        Refused("pickle", Inspect);
    }

    [Theory]
    [InlineData("unet")]
    [InlineData("vae")]
    [InlineData("text_encoder")]
    public void A_folder_without_a_component_is_refused(string component)
    {
        Directory.Delete(_model.Combine(component), recursive: true);
        Refused(component, Inspect);
    }

    [Fact]
    public void A_folder_without_a_tokenizer_file_is_refused()
    {
        File.Delete(_model.Combine("tokenizer", "merges.txt"));
        Refused("merges.txt", Inspect);
    }

    [Theory]
    [InlineData("unet", "UNet3DConditionModel")]
    [InlineData("scheduler", null)]
    public void An_index_that_names_another_class_is_refused(string component, string? className)
    {
        Edit("model_index.json", root =>
        {
            if (className is null) root.Remove(component);
            else root[component] = new JsonArray("diffusers", className);
        });
        Refused(component, Inspect);
    }

    [Fact]
    public void A_pipeline_that_is_not_supported_is_refused()
    {
        Edit("model_index.json", root => root["_class_name"] = "FluxPipeline");
        Refused("FluxPipeline", Inspect);
    }

    [Fact]
    public void A_weights_file_that_is_cut_off_is_refused()
    {
        using (var stream = File.OpenWrite(_model.Combine("vae", "diffusion_pytorch_model.safetensors")))
            stream.SetLength(stream.Length - 1000);
        Refused("diffusion_pytorch_model.safetensors", Inspect);
    }

    [Fact]
    public void A_header_length_of_two_to_the_63_bytes_is_refused()
    {
        var path = _model.Combine("unet", "diffusion_pytorch_model.safetensors");
        var bytes = File.ReadAllBytes(path);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, 1UL << 63);
        File.WriteAllBytes(path, bytes);
        Refused("header", Inspect);
    }

    [Fact]
    public void A_config_that_is_not_json_is_refused()
    {
        File.WriteAllText(_model.Combine("unet", "config.json"), "{");
        Refused("not valid JSON", Inspect);
    }

    [Theory]
    [InlineData("_class_name", "\"ControlNetModel\"")]
    [InlineData("down_block_types", "[\"DownBlock2D\", \"AttnDownBlock2D\", \"DownBlock2D\"]")]
    [InlineData("time_embedding_type", "\"fourier\"")]
    [InlineData("class_embed_type", "\"timestep\"")]
    [InlineData("in_channels", "9")]
    [InlineData("block_out_channels", "\"wide\"")]
    [InlineData("block_out_channels", "[32, 64]")]
    [InlineData("norm_num_groups", "3.5")]
    [InlineData("attention_head_dim", "[1, 2, 5]")]
    public void A_config_that_asks_for_an_unknown_network_is_refused(string key, string value)
    {
        Edit("unet/config.json", root => root[key] = JsonNode.Parse(value));
        Refused("", () => Load().Dispose());
    }

    [Fact]
    public void A_weights_file_without_a_tensor_is_refused()
    {
        Rewrite(items => items.Where(item => item.Name != "mid_block.attentions.0.proj_in.weight"));
        Refused("mid_block.attentions.0.proj_in.weight", () => Load().Dispose());
    }

    [Fact]
    public void A_weights_file_with_a_tensor_too_many_is_refused()
    {
        Rewrite(items => items.Append(new SafetensorsItem("stranger.weight", SafetensorsType.F16, [1], new byte[2])));
        Refused("stranger.weight", () => Load().Dispose());
    }

    [Fact]
    public void A_tensor_of_another_shape_is_refused()
    {
        Rewrite(items =>
            items.Select(item => item.Name == "conv_out.bias" ? new SafetensorsItem(item.Name, item.Type, [5], new byte[10]) : item));
        Refused("conv_out.bias", () => Load().Dispose());
    }

    [Fact]
    public void An_adapter_in_place_of_the_networks_weights_is_refused()
    {
        File.Copy(DemoModel.Adapters[0].Path, _model.Combine("unet", "diffusion_pytorch_model.safetensors"), overwrite: true);
        Refused("conv_in.weight", () => Load().Dispose());
    }

    [Fact]
    public void A_failed_load_leaves_no_tensor_behind()
    {
        Rewrite(items => items.Append(new SafetensorsItem("stranger.weight", SafetensorsType.F16, [1], new byte[2])));
        var before = DemoModel.SettledTensors();
        Refused("stranger.weight", () => Load().Dispose());

        Assert.Equal(before, DemoModel.LiveTensors());
    }

    [Fact]
    public void Shards_and_the_fp16_variant_hold_the_same_model()
    {
        using var whole = Load();
        var path = _model.Combine("unet", "diffusion_pytorch_model.safetensors");
        Shard(path);
        File.Move(_model.Combine("vae", "diffusion_pytorch_model.safetensors"),
            _model.Combine("vae", "diffusion_pytorch_model.fp16.safetensors"));
        File.Delete(path);
        using var pieces = Load();

        Assert.All(whole.Weights.All.Zip(pieces.Weights.All), pair => Assert.True(pair.First.Name == pair.Second.Name
            && (pair.First.Base is null || pair.First.Base.equal(pair.Second.Base!).all().item<bool>())));
        Assert.Contains(ModelInspector.Inspect(_model.Path, "copy").Files,
            file => file.RelativePath == "unet/diffusion_pytorch_model-00002-of-00002.safetensors");
    }

    [Fact]
    public void A_shard_index_that_names_files_outside_its_folder_is_refused()
    {
        File.Delete(_model.Combine("unet", "diffusion_pytorch_model.safetensors"));
        File.WriteAllText(_model.Combine("unet", "diffusion_pytorch_model.safetensors.index.json"),
            """{"weight_map": {"conv_in.weight": "../../secret.safetensors"}}""");
        Refused("secret", Inspect);
    }

    private static void Refused(string expected, Action action)
    {
        var error = Assert.Throws<ModelException>(action);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    private void Inspect() => ModelInspector.Inspect(_model.Path, "copy");

    private DiffusionModel Load() =>
        DiffusionModel.Load(DemoModel.Record with { Path = _model.Path }, torch.ScalarType.Float32, torch.CPU, CancellationToken.None);

    private void Edit(string file, Action<JsonObject> change)
    {
        var path = _model.Combine(file.Split('/'));
        var root = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(root);
        File.WriteAllText(path, root.ToJsonString());
    }

    private void Rewrite(Func<IEnumerable<SafetensorsItem>, IEnumerable<SafetensorsItem>> change)
    {
        var path = _model.Combine("unet", "diffusion_pytorch_model.safetensors");
        var items = change(Items(path)).ToArray();
        File.Delete(path);
        SafetensorsWriter.Write(path, items);
    }

    private void Shard(string path)
    {
        var items = Items(path);
        var map = new JsonObject();
        for (var i = 0; i < 2; i++)
        {
            var name = $"diffusion_pytorch_model-0000{i + 1}-of-00002.safetensors";
            var part = items.Where((_, index) => index % 2 == i).ToArray();
            SafetensorsWriter.Write(_model.Combine("unet", name), part);
            foreach (var item in part) map[item.Name] = name;
        }

        File.WriteAllText(_model.Combine("unet", "diffusion_pytorch_model.safetensors.index.json"),
            new JsonObject { ["weight_map"] = map }.ToJsonString());
    }

    private static SafetensorsItem[] Items(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return file.Entries.Select(entry => new SafetensorsItem(entry.Name, entry.Type, entry.Shape, file.Bytes(entry).ToArray()))
            .ToArray();
    }
}
