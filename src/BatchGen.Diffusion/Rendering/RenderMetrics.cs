using System.Diagnostics.Metrics;
using BatchGen.Core.Monitoring;

namespace BatchGen.Diffusion.Rendering;

/// <summary>The instruments of the renderer; their names are public and listed in docs/operations.md.</summary>
internal static class RenderMetrics
{
    private static readonly Counter<long> Steps =
        Telemetry.Counter("batchgen.steps", "{step}", "Steps of samplers, counted for each image");

    /// <summary>Records one step of a tensor batch.</summary>
    /// <param name="images">Images in it.</param>
    public static void StepDone(long images) => Steps.Add(images);
}
