using System.Text.Json;
using BatchGen.Diffusion.Families.StableDiffusion;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Sampling;
using BatchGen.Testing;
using static TorchSharp.torch;

namespace BatchGen.TorchTests.Sampling;

/// <summary>Samplers that start at the last time whatever the model's settings say, for models distilled to few steps.</summary>
public sealed class TrailingSpacingTests
{
    [Theory]
    [InlineData("ddim_trailing")]
    [InlineData("euler_trailing")]
    [InlineData("euler_a_trailing")]
    [InlineData("dpmpp_2m_trailing")]
    public void A_single_step_is_taken_from_pure_noise(string name)
    {
        // What a single file says, which has no settings of its own.
        var config = ConfigFile.Parse(
            StableDiffusionSettings.Scheduler("EulerDiscreteScheduler", "epsilon", "leading").ToJsonString(), "leading");
        using var sampler = SamplerCatalog.Create(name, config, 1);

        Assert.Equal([999.0], sampler.Timesteps);
    }

    [Theory]
    [InlineData("ddim_trailing", "s002")]
    [InlineData("ddim_trailing", "s003")]
    [InlineData("euler_trailing", "s013")]
    [InlineData("euler_trailing", "s014")]
    [InlineData("euler_trailing", "s020")]
    [InlineData("euler_a_trailing", "s024")]
    [InlineData("euler_a_trailing", "s025")]
    [InlineData("dpmpp_2m_trailing", "s032")]
    [InlineData("dpmpp_2m_trailing", "s034")]
    public void The_path_is_that_of_the_reference_with_trailing_times(string name, string id)
    {
        var folder = Path.Combine(RepositoryPaths.Reference, "schedulers");
        using var index = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "index.json")));
        var item = index.RootElement.GetProperty("cases").EnumerateArray()
            .Single(candidate => candidate.GetProperty("id").GetString() == id);
        var config = ConfigFile.Parse(item.GetProperty("args").GetRawText(), id).With("""{"timestep_spacing": "leading"}""");
        using var sampler = SamplerCatalog.Create(name, config, item.GetProperty("num_inference_steps").GetInt32());
        using var file = SafetensorsFile.Open(Path.Combine(RepositoryPaths.Reference, item.GetProperty("file").GetString()!));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (samples, outputs) = (file.ReadTensor(id + ".samples"), file.ReadTensor(id + ".model_outputs"));
        var noises = file.Find(id + ".noise") is null ? null : file.ReadTensor(id + ".noise");
        var tolerance = item.GetProperty("tolerance_max_abs").GetSingle();
        var drawn = 0;

        Assert.Equal(file.ReadTensor(id + ".timesteps").data<double>().ToArray(), sampler.Timesteps);
        Assert.Equal(file.ReadTensor(id + ".init_noise_sigma").item<double>(), sampler.InitialScale, 1e-4);
        for (var call = 0; call < sampler.Timesteps.Count; call++)
        {
            var next = sampler.Step(outputs[call], call, samples[call], () => noises![drawn++]);
            // The tolerance of the reference data: float32 against the float32 of the other library.
            Assert.InRange((next - samples[call + 1]).abs().max().item<float>(), 0, tolerance);
        }
    }
}
