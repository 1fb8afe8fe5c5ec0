using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Families.StableDiffusion;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.TorchTests.Models;

/// <summary>Builds single-file checkpoints from folder models by the published names, and reads them back.</summary>
public sealed class SingleFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-single-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_reference_model_as_a_single_file_is_the_same_model()
    {
        var source = Path.Combine(RepositoryPaths.Reference, "models", "tiny-sd15");
        // A text encoder this narrow has other heads than the published one: the file says so.
        var path = Convert(source, "sd15", new JsonObject { ["text_encoder"] = new JsonObject { ["num_attention_heads"] = 4 } });
        using var folder = Load(source);
        using var file = Load(path);

        Assert.Equal("sd15", ModelInspector.Inspect(path, "single").Family);
        AssertSame(folder, file);
    }

    [Theory]
    [InlineData("sd21")]
    [InlineData("sdxl")]
    public void A_single_file_of_every_other_family_is_recognised_and_is_the_same_model(string family)
    {
        var (source, overrides) = Synthetic(family);
        var path = Convert(source, family, overrides);
        using var folder = Load(source);
        using var file = Load(path);

        Assert.Equal(family, ModelInspector.Inspect(path, "single").Family);
        AssertSame(folder, file);
        Assert.Equal(
            folder.TextEncoders.Select(encoder => encoder.Tokenizer.PadId), file.TextEncoders.Select(encoder => encoder.Tokenizer.PadId));
    }

    [Fact]
    public void A_text_encoder_that_lost_its_last_layer_before_is_read_whole()
    {
        // What diffusers' convert_diffusers_to_original_stable_diffusion.py writes for SD 2.x.
        var (source, overrides) = Synthetic("sd21");
        var path = Convert(source, "sd21", overrides, hasExtraLayer: false);
        using var folder = Load(source);
        using var file = Load(path);

        AssertSame(folder, file);
    }

    [Theory]
    [InlineData("sd21", "cond_stage_model.logit_scale")]
    [InlineData("sd21", "cond_stage_model.text_projection")]
    [InlineData("sd21", "cond_stage_model.model.text_model.embeddings.position_ids")]
    [InlineData("sdxl", "conditioner.embedders.0.logit_scale")]
    [InlineData("sdxl", "conditioner.embedders.0.text_projection.weight")]
    [InlineData("sdxl", "conditioner.embedders.1.model.transformer.text_model.embeddings.position_ids")]
    public void Tensors_that_text_encoders_carry_along_from_training_are_ignored(string family, string name)
    {
        var (source, overrides) = Synthetic(family);
        var path = Convert(
            source, family, overrides, items => items.Append(new SafetensorsItem(name, SafetensorsType.F16, [2, 2], new byte[8])));
        using var folder = Load(source);
        using var file = Load(path);

        AssertSame(folder, file);
    }

    [Fact]
    public void A_text_projection_in_diffusers_spelling_inside_a_single_file_is_read()
    {
        var (source, overrides) = Synthetic("sdxl");
        var path = Convert(source, "sdxl", overrides, items => items.Select(item =>
            item.Name.EndsWith(".text_projection", StringComparison.Ordinal)
                ? OriginalNaming.Transpose(item) with { Name = item.Name + ".weight" }
                : item));
        using var folder = Load(source);
        using var file = Load(path);

        AssertSame(folder, file);
    }

    [Fact]
    public void An_autoencoder_with_attention_in_diffusers_spelling_inside_a_single_file_is_read()
    {
        var (source, overrides) = Synthetic("sd21");
        var path = Convert(source, "sd21", overrides, items => items.Select(item =>
        {
            var name = Regex.Replace(item.Name, @"(attn_1\.)(q|k|v)\.", "$1to_$2.")
                .Replace("attn_1.proj_out.", "attn_1.to_out.0.", StringComparison.Ordinal);
            return name == item.Name ? item : item with { Name = name, Shape = item.Shape.Length == 4 ? item.Shape[..2] : item.Shape };
        }));
        using var folder = Load(source);
        using var file = Load(path);

        AssertSame(folder, file);
    }

    [Fact]
    public void A_pickled_checkpoint_is_refused_with_a_hint()
    {
        var path = Path.Combine(_folder, "model.ckpt");
        File.WriteAllText(path, "x");

        Refused("pickle", path);
    }

    [Fact]
    public void An_adapter_in_place_of_a_checkpoint_is_refused() => Refused("is an adapter", DemoModel.Adapters[0].Path);

    [Fact]
    public void A_checkpoint_of_another_family_is_refused()
    {
        var path = Path.Combine(_folder, "flux.safetensors");
        SafetensorsWriter.Write(path,
            [new SafetensorsItem("model.diffusion_model.double_blocks.0.img_attn.qkv.weight", SafetensorsType.F16, [1], new byte[2])]);

        Refused("double_blocks", path);
    }

    [Fact]
    public void A_network_alone_a_missing_tensor_and_one_too_many_are_refused()
    {
        var source = Path.Combine(RepositoryPaths.Reference, "models", "tiny-sd15");
        Refused("no autoencoder", Convert(source, "sd15", null, items =>
            items.Where(item => !item.Name.StartsWith("first_stage_model", StringComparison.Ordinal))));
        Refused("text encoder", Convert(source, "sd15", null, items =>
            items.Where(item => !item.Name.StartsWith("cond_stage_model", StringComparison.Ordinal))));
        Refused("middle_block.1.proj_out", Convert(source, "sd15", null, items =>
            items.Where(item => item.Name != "model.diffusion_model.middle_block.1.proj_out.weight")));
        Refused("stranger", Convert(source, "sd15", null, items =>
            items.Append(new SafetensorsItem("model.diffusion_model.stranger", SafetensorsType.F16, [1], new byte[2]))));
    }

    [Fact]
    public void Training_state_beside_the_networks_is_left_alone()
    {
        var source = Path.Combine(RepositoryPaths.Reference, "models", "tiny-sd15");
        var path = Convert(source, "sd15", null, items =>
            items.Append(new SafetensorsItem("model_ema.decay", SafetensorsType.F32, [], new byte[4]))
                .Append(new SafetensorsItem("betas", SafetensorsType.F32, [1], new byte[4])));

        Assert.Equal("sd15", ModelInspector.Inspect(path, "single").Family);
    }

    [Theory]
    [InlineData("edm_mean")]
    [InlineData("edm_std")]
    [InlineData("edm_vpred.sigma_max")]
    public void A_model_of_continuous_noise_levels_is_refused(string marker)
    {
        var source = Path.Combine(RepositoryPaths.Reference, "models", "tiny-sd15");
        Refused(marker,
            Convert(source, "sd15", null, items => items.Append(new SafetensorsItem(marker, SafetensorsType.F32, [1], new byte[4]))));
    }

    [Fact]
    public void A_prediction_named_at_registration_is_used_and_changes_the_models_digest()
    {
        var path = Convert(Path.Combine(RepositoryPaths.Reference, "models", "tiny-sd15"), "sd15", null);
        var (unsaid, said) = (ModelInspector.Inspect(path, "single"), ModelInspector.Inspect(path, "single", "v_prediction"));
        using var epsilon = Load(unsaid);
        using var velocity = Load(said);

        Assert.Equal("epsilon", epsilon.Scheduler.Text("prediction_type"));
        Assert.Equal("v_prediction", velocity.Scheduler.Text("prediction_type"));
        Assert.NotEqual(unsaid.Sha256, said.Sha256);
        Assert.Throws<ModelException>(() => ModelInspector.Inspect(path, "single", "sample"));
    }

    private static void Refused(string expected, string path)
    {
        var error = Assert.Throws<ModelException>(() => ModelInspector.Inspect(path, "single"));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    private static DiffusionModel Load(string path) => Load(new ModelRecord("model", path, "", "", []));

    private static DiffusionModel Load(ModelRecord record) =>
        DiffusionModel.Load(record, ScalarType.Float32, CPU, CancellationToken.None, Path.Combine(RepositoryPaths.Reference, "tokenizer"));

    private static void AssertSame(DiffusionModel left, DiffusionModel right)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // The VAE's attention has two spellings; compare what it computes.
        foreach (var component in left.Weights.Components.Where(component => component.Component != "vae"))
        {
            var other = right.Weights.Find(component.Component)!;
            Assert.Equal(component.All.Keys, other.All.Keys);
            Assert.All(component.All.Values.Where(weight => weight.Base is not null),
                weight => Assert.True(weight.Base!.equal(other.All[weight.Key].Base!).all().item<bool>(), weight.Name));
        }

        var latents = randn([1, 4, 8, 8], generator: new Generator(1));
        Assert.True(left.Vae.Decode(latents).equal(right.Vae.Decode(latents)).all().item<bool>());
        Assert.True(left.Vae.Moments(latents.narrow(1, 0, 3)).equal(right.Vae.Moments(latents.narrow(1, 0, 3))).all().item<bool>());
        Assert.Equal(left.Vae.ScalingFactor, right.Vae.ScalingFactor);
        var context = randn([1, 77, left.UNet.ContextWidth], generator: new Generator(2));
        var pooled = left.UNet.PooledWidth > 0 ? randn([1, left.UNet.PooledWidth], generator: new Generator(3)) : null;
        var sizes = left.UNet.PooledWidth > 0 ? full([1, 6], 16f) : null;
        var times = full([1], 500f);
        Assert.True(left.UNet.Forward(latents, times, context, pooled, sizes)
            .equal(right.UNet.Forward(latents, times, context, pooled, sizes)).all().item<bool>());
        foreach (var (one, two) in left.TextEncoders.Zip(right.TextEncoders))
        {
            var ids = tensor(one.Tokenizer.EncodePadded("a photo of a cat")).unsqueeze(0);
            var (first, second) = (one.Network.Run(one.Network.Start(one.Network.Rows(ids)), 0, one.Network.LayerCount),
                two.Network.Run(two.Network.Start(two.Network.Rows(ids)), 0, two.Network.LayerCount));
            Assert.True(first.equal(second).all().item<bool>());
        }

        Assert.Equal(left.Scheduler.Text("prediction_type", "epsilon"), right.Scheduler.Text("prediction_type", "epsilon"));
    }

    private (string Source, JsonObject Overrides) Synthetic(string family)
    {
        var configs = Tiny(family);
        var source = Path.Combine(_folder, "model");
        SyntheticModel.Write(source, FamilyRenderings.Find(family)!, configs, 5, CancellationToken.None);
        // Heads of these widths are not those of the published models: the file says so.
        var overrides = new JsonObject
        {
            ["unet"] = new JsonObject
            {
                ["attention_head_dim"] = configs["unet"]["attention_head_dim"]!.DeepClone(),
                ["addition_time_embed_dim"] = configs["unet"]["addition_time_embed_dim"]?.DeepClone(),
            },
            ["text_encoder"] = new JsonObject { ["num_attention_heads"] = 4 },
            ["text_encoder_2"] = new JsonObject { ["num_attention_heads"] = 4 },
            ["scheduler"] = new JsonObject { ["prediction_type"] = configs["scheduler"]["prediction_type"]!.DeepClone() },
        };
        return (source, overrides);
    }

    private static Dictionary<string, JsonObject> Tiny(string family)
    {
        if (family == "sd21")
        {
            return new(StringComparer.Ordinal)
            {
                ["text_encoder"] = StableDiffusionSettings.TextEncoder(32, 4, 2, "gelu"),
                ["unet"] = StableDiffusionSettings.UNet([32, 32, 64], [true, true, false], [2, 4, 8], [1, 1, 1], 32, linear: true),
                ["vae"] = StableDiffusionSettings.Vae(0.18215, [32, 64], 1),
                ["scheduler"] = StableDiffusionSettings.Scheduler("DDIMScheduler", "v_prediction"),
            };
        }

        return new(StringComparer.Ordinal)
        {
            ["text_encoder"] = StableDiffusionSettings.TextEncoder(16, 4, 3, "quick_gelu"),
            ["text_encoder_2"] = StableDiffusionSettings.TextEncoder(24, 4, 3, "gelu", projection: 24),
            ["unet"] = StableDiffusionSettings.UNet(
                [32, 32, 64], [false, true, true], [2, 4, 8], [1, 2, 3], 40, linear: true, sizeWidth: 8, pooledWidth: 24),
            ["vae"] = StableDiffusionSettings.Vae(0.13025, [32, 64], 1),
            ["scheduler"] = StableDiffusionSettings.Scheduler("EulerDiscreteScheduler", "epsilon", "leading"),
        };
    }

    // The published mapping, written down a second time and the other way round: from the folder to the file.
    private string Convert(
        string source, string family, JsonObject? overrides,
        Func<IEnumerable<SafetensorsItem>, IEnumerable<SafetensorsItem>>? change = null, bool hasExtraLayer = true)
    {
        var items = new List<SafetensorsItem>();
        // Up blocks with attention: all but the first in SD 1.x and 2.x, all but the last in SDXL (the models here have three).
        HashSet<int> attentive = family == "sdxl" ? [0, 1] : [1, 2];
        foreach (var item in OriginalNaming.Items(source, "unet"))
            items.Add(item with { Name = "model.diffusion_model." + OriginalNaming.UNetName(item.Name, attentive) });
        foreach (var item in OriginalNaming.Items(source, "vae"))
        {
            var isProjection = Regex.IsMatch(item.Name, @"\.(query|key|value|proj_attn|to_q|to_k|to_v|to_out\.0)\.weight$");
            items.Add(
                item with { Name = "first_stage_model." + OriginalNaming.VaeName(item.Name), Shape = isProjection ? [.. item.Shape, 1, 1]
                    : item.Shape });
        }

        var text = OriginalNaming.Items(source, "text_encoder");
        if (family == "sd21") items.AddRange(OriginalNaming.OpenClip(text, "cond_stage_model.model.", hasExtraLayer));
        else
            items.AddRange(text.Select(item => item with
            {
                Name = (family == "sdxl" ? "conditioner.embedders.0.transformer." : "cond_stage_model.transformer.") + item.Name,
            }));
        if (family == "sdxl")
            items.AddRange(OriginalNaming.OpenClip(
                OriginalNaming.Items(source, "text_encoder_2"), "conditioner.embedders.1.model.", extraLayer: false));
        var path = Path.Combine(_folder, Guid.NewGuid().ToString("N") + ".safetensors");
        var final = (change is null ? items : change(items)).ToArray();
        SafetensorsWriter.Write(
            path, final, overrides is null ? null : new Dictionary<string, string> { ["batchgen.config"] = overrides.ToJsonString() });
        return path;
    }
}
