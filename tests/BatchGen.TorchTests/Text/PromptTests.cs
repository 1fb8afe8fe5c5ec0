using System.Text.Json.Nodes;
using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Families.StableDiffusion;
using BatchGen.Diffusion.Families.StableDiffusionXl;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Rendering;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Text;
using BatchGen.Diffusion.Weights;
using BatchGen.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.TorchTests.Text;

public sealed class PromptTests : IDisposable
{
    private static readonly ClipTokenizer Tokenizer = ClipTokenizer.Load(Path.Combine(RepositoryPaths.Reference, "tokenizer"));
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-words-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Expectations from the documentation of the web UI's own parser (parse_prompt_attention).
    [Theory]
    [InlineData("normal text", "normal text:1")]
    [InlineData("an (important) word", "an :1|important:1.1| word:1")]
    [InlineData("(unbalanced", "unbalanced:1.1")]
    [InlineData(@"\(literal\]", "(literal]:1")]
    [InlineData("(unnecessary)(parens)", "unnecessaryparens:1.1")]
    [InlineData("a (((house:1.3)) [on] a (hill:0.5), sun, (((sky)))",
        "a :1|house:1.573|\u0020:1.1|on:1|\u0020a :1.1|hill:0.55|, sun, :1.1|sky:1.4641")]
    [InlineData("[less]", "less:0.9091")]
    [InlineData("a:b and c)", "a:b and c):1")]
    [InlineData("(a: b)", "a: b:1.1")]
    [InlineData("one BREAK two BREAKFAST", "one:1|BREAK|two BREAKFAST:1")]
    // A number and nothing that a computer may call one; too large a one would leave no finite image.
    [InlineData("(space:infinity)", "space:infinity:1.1")]
    [InlineData("(space:-Infinity)", "space:-Infinity:1.1")]
    [InlineData("(bread:NaN)", "bread:NaN:1.1")]
    [InlineData("(one:99999999999999999999999999999999999999999)", "one:99999999999999999999999999999999999999999:1.1")]
    [InlineData("", "")]
    public void Weights_are_read_as_in_the_web_ui(string prompt, string expected)
    {
        var parts = PromptSyntax.Parse(prompt)
            .Select(part => part.IsBreak ? "BREAK" : FormattableString.Invariant($"{part.Text}:{part.Weight:0.####}"));

        Assert.Equal(expected, string.Join('|', parts));
    }

    [Fact]
    public void Long_prompts_are_cut_into_chunks_of_75_at_a_comma_near_the_end()
    {
        var plain = PromptChunks.Cut(Tokenizer, PromptSyntax.Parse(string.Join(' ', Enumerable.Repeat("cat", 100))), []);
        var phrases = PromptChunks.Cut(Tokenizer,
            PromptSyntax.Parse(string.Join(' ', Enumerable.Repeat("cat", 65)) + ", " + string.Join(' ', Enumerable.Repeat("dog", 20))), []);

        Assert.Equal([75, 25], plain.Select(chunk => chunk.Count));
        // 65 cats and the comma stay; the dogs go on together.
        Assert.Equal([66, 20], phrases.Select(chunk => chunk.Count));
    }

    [Fact]
    public void An_empty_prompt_is_one_empty_chunk_and_break_begins_another()
    {
        Assert.Equal([0], PromptChunks.Cut(Tokenizer, PromptSyntax.Parse(""), []).Select(chunk => chunk.Count));
        Assert.Equal([1, 1], PromptChunks.Cut(Tokenizer, PromptSyntax.Parse("cat BREAK dog"), []).Select(chunk => chunk.Count));
    }

    [Fact]
    public void A_weighted_prompt_differs_and_a_plain_one_is_what_diffusers_makes()
    {
        using var model = DiffusionModel.Load(DemoModel.Record, ScalarType.Float32, CPU, CancellationToken.None);
        using var weighted = new PromptEncoder(model);
        using var plain = new PromptEncoder(model) { IsPlain = true };

        Assert.True(
            weighted.Encode("a red circle", null, 0).Context.equal(plain.Encode("a red circle", null, 0).Context).all().item<bool>());
        Assert.False(
            weighted.Encode("a (red:1.5) circle", null, 0).Context.equal(plain.Encode("a red circle", null, 0).Context).all().item<bool>());
        Assert.Equal([1, 154, 64], weighted.Encode("a red circle BREAK a blue background", null, 0).Context.shape);
        Assert.Equal([1, 154, 64], weighted.Encode("a red circle", null, 0, chunks: 2).Context.shape);
        Assert.Throws<InvalidJobException>(() => weighted.Encode("a", null, 2));
    }

    [Fact]
    public void Prompts_of_different_length_in_one_batch_give_the_images_they_give_alone()
    {
        using var renderer = DemoModel.Renderer();
        renderer.LoadModel(DemoModel.Record, CancellationToken.None);
        var longPrompt = "a yellow star, " + string.Join(", ", Enumerable.Repeat("on a purple background", 30));
        var together = renderer.Draw(DemoModel.Job(1, seed: 3), DemoModel.Job(2, longPrompt, 4), DemoModel.Job(3, seed: 5));

        Assert.Equal([1L, 2L, 3L], together.Select(image => image.JobId));
        Assert.Equal(renderer.Draw(DemoModel.Job(2, longPrompt, 4))[0].Rgb, together[1].Rgb);
    }

    [Theory]
    [InlineData("emb_params", "a zork circle")]
    [InlineData("<zork>", "a <zork> circle")]
    public void A_learned_word_stands_where_its_trigger_is_written(string key, string prompt)
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(_folder, "word.safetensors");
        SafetensorsWriter.Write(path, [SafetensorsTensors.ToItem(key, randn([2, 64], generator: new Generator(1)))]);
        var record = AdapterInspector.Inspect(path).ToRecord("zork");
        using var renderer = DemoModel.Renderer();
        renderer.LoadModel(DemoModel.Record, CancellationToken.None);
        var before = renderer.Draw(DemoModel.Job(1, prompt))[0];
        var signature = AdapterSignature.Create("demo", [new AdapterUse("zork", 1m)]);
        var report = renderer.Fuse(signature, [record], CancellationToken.None);
        var with = renderer.Draw(DemoModel.Job(1, prompt, signature: signature))[0];
        var other = renderer.Draw(DemoModel.Job(1, "a zorkling circle", signature: signature))[0];
        renderer.Unload();

        Assert.Equal("embedding", record.Format);
        Assert.Equal(0, report.Tensors);
        Assert.Empty(report.UnmatchedKeys);
        Assert.NotEqual(before.Rgb, with.Rgb);
        Assert.Equal(renderer.Draw(DemoModel.Job(1, "a zorkling circle"))[0].Rgb, other.Rgb);
        Assert.Equal(before.Rgb, renderer.Draw(DemoModel.Job(1, prompt))[0].Rgb);
    }

    [Fact]
    public void A_learned_word_that_changes_in_memory_is_named_at_the_next_checkpoint()
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(_folder, "word.safetensors");
        SafetensorsWriter.Write(path, [SafetensorsTensors.ToItem("emb_params", randn([2, 64], generator: new Generator(1)))]);
        using var renderer = DemoModel.Renderer();
        renderer.LoadModel(DemoModel.Record, CancellationToken.None);
        renderer.Fuse(AdapterSignature.Create("demo", [new AdapterUse("zork", 1m)]), [AdapterInspector.Inspect(path).ToRecord("zork")],
            CancellationToken.None);
        Assert.True(renderer.VerifyWeights(CancellationToken.None).Passed);

        WeightFault.FlipBit(renderer.Prompts!.Embeddings[0].Vectors[0]!, 40);

        Assert.Equal(["fused word/zork"], renderer.VerifyWeights(CancellationToken.None).DriftedTensors);
        // Also when it was dropped before anybody looked.
        renderer.Unload();
        Assert.Equal(["fused word/zork"], renderer.VerifyWeights(CancellationToken.None).DriftedTensors);
        Assert.True(renderer.VerifyWeights(CancellationToken.None).Passed);
    }

    [Fact]
    public void An_encoded_prompt_that_changed_in_memory_is_encoded_anew()
    {
        using var model = DiffusionModel.Load(DemoModel.Record, ScalarType.Float32, CPU, CancellationToken.None);
        using var encoder = new PromptEncoder(model);
        using var clean = encoder.Encode("a red circle", null, 0).Context.clone();
        var live = DemoModel.SettledTensors();

        WeightFault.FlipBit(encoder.Encode("a red circle", null, 0).Context, 1234);

        Assert.True(encoder.Encode("a red circle", null, 0).Context.equal(clean).all().item<bool>());
        Assert.True(encoder.Encode("a red circle", null, 0).Context.equal(clean).all().item<bool>());
        Assert.Equal(live, DemoModel.SettledTensors());
    }

    [Fact]
    public void A_learned_word_is_not_taken_for_the_end_of_the_prompt()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var folder = Path.Combine(_folder, "xl");
        SyntheticModel.Write(folder, StableDiffusionXlRendering.Instance, TinyXl(), 5, CancellationToken.None);
        using var model = DiffusionModel.Load(new ModelRecord("xl", folder, "", "", []), ScalarType.Float32, CPU, CancellationToken.None);
        using var encoder = new PromptEncoder(model);
        var ordinary = encoder.Encode("a cat on the grass", null, 0);
        var (context, pooled) = (ordinary.Context.clone(), ordinary.Pooled!.clone());
        var vectors = model.TextEncoders.Select(item =>
        {
            var ids = tensor(item.Tokenizer.Encode("cat").Select(id => (long)id).ToArray());
            return (Tensor?)item.Network.Rows(ids.unsqueeze(0))[0].clone().DetachFromDisposeScope();
        }).ToArray();
        encoder.Use([new TextEmbedding("zork", vectors)]);
        var learned = encoder.Encode("a zork on the grass", null, 0);

        // The word is what the ordinary one is, so nothing may differ: neither the tokens nor the text as a whole, which is read at its
        // end.
        Assert.True(context.equal(learned.Context).all().item<bool>());
        Assert.True(pooled.equal(learned.Pooled!).all().item<bool>());
    }

    [Fact]
    public void A_learned_word_for_another_family_is_refused()
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(_folder, "word.safetensors");
        SafetensorsWriter.Write(path, [SafetensorsTensors.ToItem("clip_g", zeros(1, 1280))]);
        using var renderer = DemoModel.Renderer();
        renderer.LoadModel(DemoModel.Record, CancellationToken.None);

        Assert.Equal("sdxl", AdapterInspector.Inspect(path).Family);
        Assert.Throws<AdapterException>(() =>
            renderer.Fuse(DemoModel.Signature(("word", 1m)), [AdapterInspector.Inspect(path).ToRecord("word")], CancellationToken.None));
    }

    private static Dictionary<string, JsonObject> TinyXl() => new(StringComparer.Ordinal)
    {
        ["text_encoder"] = StableDiffusionSettings.TextEncoder(16, 4, 2, "quick_gelu"),
        ["text_encoder_2"] = StableDiffusionSettings.TextEncoder(24, 4, 2, "gelu", projection: 24),
        ["unet"] = StableDiffusionSettings.UNet([32, 32], [false, true], [2, 4], [1, 1], 40, linear: true, sizeWidth: 8, pooledWidth: 24),
        ["vae"] = StableDiffusionSettings.Vae(0.13025, [32, 32], 1),
        ["scheduler"] = StableDiffusionSettings.Scheduler("EulerDiscreteScheduler", "epsilon", "leading"),
    };
}
