using System.Reflection;
using BatchGen.Diffusion.Rendering;

namespace BatchGen.Composition;

/// <summary>Whether this build can render, as the build switch <c>TorchBackend</c> decides.</summary>
internal static class RenderSupport
{
    /// <value>The value of the build switch, for example <c>cpu</c>; <c>none</c> is a build without native torch.</value>
    public static string TorchBackend { get; } =
        typeof(RenderSupport).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .First(attribute => attribute.Key == "TorchBackend").Value ?? "none";

    /// <summary>Ends the command where this build cannot render.</summary>
    /// <exception cref="CommandException">Built without native torch.</exception>
    public static void Require()
    {
        if (TorchBackend == "none")
        {
            throw CommandException.Failed(
                "This batchgen was built without native torch (TorchBackend=none): it enqueues, watches and serves the dashboard, "
                    + "but cannot render. "
                + "Build one with -p:TorchBackend=cpu or -p:TorchBackend=cuda-linux, or run 'batchgen worker' on a machine that has it.");
        }
    }

    /// <summary>Ends the command where this build cannot render, or not with the device and compute type that are set.</summary>
    /// <exception cref="CommandException">Built without native torch, no such device here, or a type that is not for it.</exception>
    public static void Require(DiffusionOptions options)
    {
        Require();
        try
        {
            DiffusionRenderer.CheckDevice(options);
        }
        catch (InvalidOperationException error)
        {
            throw CommandException.BadInput(error.Message, error);
        }
    }
}
