using System.Text.Json;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Sampling;
using static TorchSharp.torch;

namespace BatchGen.ReferenceCheck;

/// <summary><c>schedulers/index.json</c>: trajectories step by step, once with the stored outputs and once in a closed loop.</summary>
internal static class SchedulerCases
{
    // Times are whole numbers, or float32 in the peer.
    private const double TimeTolerance = 2e-3;

    public static IEnumerable<(string Name, Func<CaseResult> Run)> All(ReferenceSets sets)
    {
        using var index = sets.Index("schedulers", "index.json");
        if (index is null) yield break;
        foreach (var item in index.RootElement.GetProperty("cases").EnumerateArray())
        {
            var name = $"schedulers/{item.GetProperty("id").GetString()}-{item.GetProperty("class").GetString()}";
            yield return (name, () => Run(sets, name, item));
        }

        var noisePath = Path.Combine(sets.Folder, "schedulers", "add_noise.safetensors");
        if (!File.Exists(noisePath)) yield break;
        string[] classes;
        using (var file = SafetensorsFile.Open(noisePath))
            classes = file.Entries.Select(entry => entry.Name).Where(key => key.EndsWith(".out", StringComparison.Ordinal))
                .Select(key => key[..^4]).ToArray();
        foreach (var className in classes)
        {
            var name = "schedulers/add_noise-" + className;
            yield return (name, () => RunAddNoise(noisePath, name, className));
        }
    }

    private static CaseResult Run(ReferenceSets sets, string name, JsonElement item)
    {
        var id = item.GetProperty("id").GetString()!;
        var className = item.GetProperty("class").GetString()!;
        var steps = item.GetProperty("num_inference_steps").GetInt32();
        var config = ConfigFile.Parse(item.GetProperty("args").GetRawText(), name);
        if (item.TryGetProperty("step_args", out var stepArgs)) config = config.With(stepArgs.GetRawText());
        var tolerance = item.GetProperty("tolerance_max_abs").GetDouble();
        using var file = SafetensorsFile.Open(Path.Combine(sets.Folder, item.GetProperty("file").GetString()!));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var comparison = new Comparison(name);
        foreach (var closed in new[] { false, true })
        {
            using var sampler = SamplerCatalog.FromClass(className, config, steps);
            if (sampler is null) return CaseResult.Unsupported(name, $"there is no sampler for {className}");
            var times = file.ReadTensor(id + ".timesteps").data<double>().ToArray();
            if (times.Length != sampler.Timesteps.Count)
            {
                comparison.Problem($"{sampler.Timesteps.Count} network calls, expected {times.Length}");
                break;
            }

            comparison.Add("timesteps", times.Zip(sampler.Timesteps).Max(pair => Math.Abs(pair.First - pair.Second)), TimeTolerance);
            comparison.Add(
                "init_noise_sigma", Math.Abs(file.ReadTensor(id + ".init_noise_sigma").item<double>() / sampler.InitialScale - 1), 1e-5);
            var samples = file.ReadTensor(id + ".samples");
            var inputs = file.ReadTensor(id + ".scaled_inputs");
            var outputs = file.ReadTensor(id + ".model_outputs");
            var noises = file.Find(id + ".noise") is null ? null : file.ReadTensor(id + ".noise");
            var drawn = 0;
            var x = samples[0];
            for (var call = 0; call < times.Length; call++)
            {
                var input = sampler.ScaleInput(x, call);
                comparison.Add($"scaled input {call}", input, inputs[call], tolerance);
                var output = closed ? input * 0.3 + Math.Cos(times[call]) : outputs[call];
                x = sampler.Step(output, call, x, () => noises![drawn++]);
                comparison.Add($"sample {call + 1}{(closed ? " of the closed loop" : "")}", x, samples[call + 1], tolerance);
            }

            if (noises is not null && drawn > noises.shape[0]) comparison.Problem($"{drawn} noises drawn, expected {noises.shape[0]}");
        }

        return comparison.Result();
    }

    private static CaseResult RunAddNoise(string path, string name, string className)
    {
        using var file = SafetensorsFile.Open(path);
        using var scope = NewDisposeScope();
        // Every training time is a step, so that the times of the case are among them.
        const int TrainSteps = 1000;
        var config = ConfigFile.Parse(
            """
            {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
             "timestep_spacing": "linspace"}
            """,
            name);
        using var sampler = SamplerCatalog.FromClass(className, config, TrainSteps);
        if (sampler is null) return CaseResult.Unsupported(name, $"there is no sampler for {className}");
        var comparison = new Comparison(name);
        var times = file.ReadTensor(className + ".timesteps").data<double>().ToArray();
        var (clean, noise, expected) = (file.ReadTensor("x0"), file.ReadTensor("noise"), file.ReadTensor(className + ".out"));
        for (var i = 0; i < times.Length; i++)
        {
            var call = Enumerable.Range(0, sampler.Timesteps.Count).MinBy(k => Math.Abs(sampler.Timesteps[k] - times[i]));
            if (Math.Abs(sampler.Timesteps[call] - times[i]) > TimeTolerance)
                comparison.Problem($"time {times[i]} is not among the sampler's");
            comparison.Add($"time {times[i]}", sampler.AddNoise(clean[i], noise[i], call), expected[i], 1e-4);
        }

        return comparison.Result();
    }
}
