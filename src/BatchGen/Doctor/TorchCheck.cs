using System.Runtime.CompilerServices;
using BatchGen.Composition;
using BatchGen.Diffusion.Rendering;

namespace BatchGen.Doctor;

/// <summary>Whether native torch loads, and the device and compute type of the settings are to be had.</summary>
internal sealed class TorchCheck() : DoctorCheck("torch", needsDatabase: false)
{
    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        CheckContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        if (RenderSupport.TorchBackend == "none")
        {
            yield return Warning("This program was built without native torch: no worker runs here.", null,
                "Leave it so on a machine that only submits and shows; else build with -p:TorchBackend=cpu or cuda-linux.");
            yield break;
        }

        string? problem = null;
        var what = "";
        try
        {
            var device = DiffusionRenderer.CheckDevice(context.Settings.Options.Diffusion);
            what = $"Native torch loads; device {device.Name} ({device.Description}), compute type {device.ComputeType}.";
        }
        catch (InvalidOperationException error)
        {
            problem = error.Message;
        }

        yield return problem is null
            ? Ok(what)
            : Wrong(problem, null, "Mend what the message names, or change BatchGen:Diffusion:Device and ComputeType.");
    }
}
