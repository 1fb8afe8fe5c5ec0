using System.Runtime.InteropServices;
using BatchGen.Diffusion.Families.StableDiffusion1;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Benchmarking;

/// <summary>Random weights with the names and shapes of real models, where only time and bytes matter.</summary>
internal static class AttentionWeights
{
    /// <summary>The 176 attention projections of Stable Diffusion 1.5: 128 in the UNet, 48 in the text encoder.</summary>
    public static ModelWeights OfSd15(ScalarType type)
    {
        var generator = new Generator(1);
        var unet = new List<Weight>();
        void Block(string path, long width)
        {
            foreach (var attention in new[] { "attn1", "attn2" })
            {
                foreach (var projection in new[] { "to_q", "to_k", "to_v", "to_out.0" })
                {
                    var readsText = attention == "attn2" && projection is "to_k" or "to_v";
                    unet.Add(Random("unet", $"{path}.transformer_blocks.0.{attention}.{projection}.weight", width, readsText ? 768 : width,
                        type, generator));
                }
            }
        }

        long[] widths = [320, 640, 1280];
        for (var block = 0; block < 3; block++)
        {
            for (var layer = 0; layer < 2; layer++) Block($"down_blocks.{block}.attentions.{layer}", widths[block]);
            for (var layer = 0; layer < 3; layer++) Block($"up_blocks.{block + 1}.attentions.{layer}", widths[2 - block]);
        }

        Block("mid_block.attentions.0", 1280);
        var text = new List<Weight>();
        for (var layer = 0; layer < 12; layer++)
        {
            foreach (var projection in new[] { "q_proj", "k_proj", "v_proj", "out_proj" })
                text.Add(
                    Random("text_encoder", $"text_model.encoder.layers.{layer}.self_attn.{projection}.weight", 768, 768, type, generator));
        }

        return new ModelWeights(
            StableDiffusion1Rendering.Instance, [new ComponentWeights("text_encoder", text), new ComponentWeights("unet", unet)]);
    }

    /// <summary>Writes a kohya LoRA for every matrix of a model.</summary>
    public static void WriteLora(string path, ModelWeights model, int rank, int seed)
    {
        using var scope = NewDisposeScope();
        var generator = new Generator((ulong)seed);
        var items = new List<SafetensorsItem>();
        foreach (var weight in model.All)
        {
            var prefix = weight.Component == "unet" ? "lora_unet_" : "lora_te_";
            var name = prefix + weight.Key[..^".weight".Length].Replace('.', '_');
            items.Add(SafetensorsTensors.ToItem(
                name + ".lora_down.weight", (randn([rank, weight.Base!.shape[1]], generator: generator) * 0.02).to(ScalarType.Float16)));
            items.Add(SafetensorsTensors.ToItem(
                name + ".lora_up.weight", (randn([weight.Base.shape[0], rank], generator: generator) * 0.02).to(ScalarType.Float16)));
            items.Add(new SafetensorsItem(
                name + ".alpha", SafetensorsType.F32, [], MemoryMarshal.AsBytes<float>(new float[] { rank }).ToArray()));
        }

        SafetensorsWriter.Write(path, items);
    }

    private static Weight Random(string component, string key, long rows, long columns, ScalarType type, Generator generator)
    {
        using var scope = NewDisposeScope();
        return new Weight(component, key, (randn([rows, columns], generator: generator) * 0.03).to(type), origin: null);
    }
}
