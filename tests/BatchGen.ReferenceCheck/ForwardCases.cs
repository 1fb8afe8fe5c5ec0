using System.Text.Json;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.ReferenceCheck;

/// <summary><c>forward/index.json</c>: one pass of a text encoder, UNet or VAE.</summary>
internal static class ForwardCases
{
    public static IEnumerable<(string Name, Func<CaseResult> Run)> All(ReferenceSets sets)
    {
        using var index = sets.Index("forward", "index.json");
        if (index is null) yield break;
        foreach (var item in index.RootElement.GetProperty("cases").EnumerateArray())
        {
            var name = "forward/" + item.GetProperty("id").GetString();
            yield return (name, () => Run(sets, name, item));
        }
    }

    private static CaseResult Run(ReferenceSets sets, string name, JsonElement item)
    {
        var comparison = new Comparison(name);
        var tolerance = item.GetProperty("tolerance_max_abs").GetDouble();
        var model = sets.Model(item);
        using var file = SafetensorsFile.Open(Path.Combine(sets.Folder, item.GetProperty("file").GetString()!));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var outputs = item.GetProperty("kind").GetString() switch
        {
            "text_encoder" => Text(model, item, file),
            "unet" => UNet(model, file),
            "vae" => Vae(model, file),
            var kind => throw new NotSupportedException($"kind '{kind}'"),
        };
        foreach (var output in item.GetProperty("outputs").EnumerateObject())
        {
            if (outputs.TryGetValue(output.Name, out var actual)) comparison.Add(output.Name, actual, file, output.Name, tolerance);
            else if (file.Find(output.Name) is not null) comparison.Problem($"no output '{output.Name}' is made");
        }

        return comparison.Result();
    }

    private static Dictionary<string, Tensor> Text(DiffusionModel model, JsonElement item, SafetensorsFile file)
    {
        var encoder = model.TextEncoders[item.GetProperty("component").GetString() == "text_encoder_2" ? 1 : 0].Network;
        var ids = file.ReadTensor("input_ids");
        var penultimate = encoder.Run(encoder.Start(encoder.Rows(ids)), 0, encoder.LayerCount - 1);
        var last = encoder.FinalNorm(encoder.Run(penultimate, encoder.LayerCount - 1, encoder.LayerCount));
        var pooled = encoder.AtEnd(last, ids);
        var outputs = new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            ["out.last_hidden_state"] = last,
            ["out.penultimate"] = penultimate,
            ["out.penultimate_final_ln"] = encoder.FinalNorm(penultimate),
            ["out.pooler_output"] = pooled,
        };
        if (encoder.ProjectionWidth > 0) outputs["out.text_embeds"] = encoder.Project(pooled);
        return outputs;
    }

    private static Dictionary<string, Tensor> UNet(DiffusionModel model, SafetensorsFile file)
    {
        Tensor? Optional(string key) => file.Find(key) is null ? null : file.ReadTensor(key);
        var sample = file.ReadTensor("in.sample");
        var times = file.ReadTensor("in.timestep").to(ScalarType.Float32).expand(sample.shape[0]);
        var output = model.UNet.Forward(
            sample, times, file.ReadTensor("in.encoder_hidden_states"), Optional("in.text_embeds"), Optional("in.time_ids"));
        return new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["out.sample"] = output };
    }

    private static Dictionary<string, Tensor> Vae(DiffusionModel model, SafetensorsFile file)
    {
        var moments = model.Vae.Moments(file.ReadTensor("in.image"));
        var halves = moments.chunk(2, 1);
        return new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            ["out.decoded"] = model.Vae.Decode(file.ReadTensor("in.z")),
            ["out.moments"] = moments,
            ["out.mode"] = halves[0],
            ["out.std"] = (halves[1].clamp(-30, 20) * 0.5).exp(),
        };
    }
}
