using System.Text.Json;
using BatchGen.Diffusion.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.ReferenceCheck;

/// <summary>Probes of <c>lora/index.json</c>: one pass of each network with the adapters fused.</summary>
internal static class ProbeCases
{
    public static IEnumerable<(string Name, Func<CaseResult> Run)> All(ReferenceSets sets)
    {
        using var index = sets.Index("lora", "index.json");
        if (index is null) yield break;
        var tolerance = index.RootElement.GetProperty("tolerance").GetProperty("probe_max_abs").GetDouble();
        foreach (var item in index.RootElement.GetProperty("cases").EnumerateArray())
        {
            var name = "lora-probe/" + item.GetProperty("id").GetString();
            yield return (name, () => Run(sets, name, item, tolerance));
        }
    }

    private static CaseResult Run(ReferenceSets sets, string name, JsonElement item, double tolerance)
    {
        using var file = SafetensorsFile.Open(Path.Combine(sets.Folder, item.GetProperty("file").GetString()!));
        if (!file.Entries.Any(entry => entry.Name.StartsWith("probe_out.", StringComparison.Ordinal)))
            return CaseResult.Unsupported(name, "the case has no probe");
        var model = sets.Model(item);
        var ids = item.GetProperty("adapters").EnumerateArray().ToArray();
        var scales = item.GetProperty("scales").EnumerateArray().Select(scale => scale.GetDecimal());
        // Adapters of a case lie in the same folder as the case.
        using var index = sets.Index("lora", "index.json")!;
        var files = index.RootElement.GetProperty("adapters").EnumerateArray()
            .ToDictionary(adapter => adapter.GetProperty("id").GetString()!,
                adapter => Path.Combine(sets.Folder, adapter.GetProperty("file").GetString()!), StringComparer.Ordinal);
        using var fused = new FusedAdapters(model, ids.Select(id => files[id.GetString()!]).Zip(scales));
        using var probe = SafetensorsFile.Open(
            Path.Combine(sets.Folder, "lora", item.GetProperty("model").GetString()!, "probe_inputs.safetensors"));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor? Optional(string key) => probe.Find(key) is null ? null : probe.ReadTensor(key);
        var comparison = new Comparison(name);
        foreach (var output in file.Entries.Where(
            entry => entry.Name.StartsWith("probe_out.", StringComparison.Ordinal) && !entry.Name.Contains('|', StringComparison.Ordinal)))
        {
            var component = output.Name["probe_out.".Length..];
            Tensor actual;
            if (component == "unet")
            {
                actual = model.UNet.Forward(
                    probe.ReadTensor("sample"), probe.ReadTensor("timestep").to(ScalarType.Float32),
                    probe.ReadTensor("encoder_hidden_states"), Optional("text_embeds"), Optional("time_ids"));
            }
            else
            {
                var encoder = model.TextEncoders[component == "text_encoder_2" ? 1 : 0].Network;
                actual = encoder.FinalNorm(encoder.Run(encoder.Start(encoder.Rows(probe.ReadTensor("input_ids"))), 0, encoder.LayerCount));
            }

            comparison.Add(output.Name, actual, file, output.Name, tolerance);
        }

        return comparison.Result();
    }
}
