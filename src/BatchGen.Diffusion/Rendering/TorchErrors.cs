using System.Runtime.InteropServices;
using BatchGen.Core.Failures;

namespace BatchGen.Diffusion.Rendering;

/// <summary>Turns exceptions of native torch into failures that the worker decides on, and leaves programming errors as they are.</summary>
internal static class TorchErrors
{
    /// <summary>True for errors that come from native torch or from lack of memory.</summary>
    public static bool IsDeviceError(Exception error) => error is ExternalException or OutOfMemoryException;

    /// <summary>
    /// The same for a model that is read or put on the device: neither its files nor the jobs that wait for it are to blame.
    /// </summary>
    public static DeviceException TranslateLoad(Exception error, string what) => new(
        $"{what} failed: {FirstLine(error)} Another program may have the memory: end it, or let this worker serve other models. "
            + "If memory is free, test the device and start the worker again.", error);

    /// <summary>The failure that the worker decides on.</summary>
    public static GenerationException Translate(Exception error, string what)
    {
        var first = FirstLine(error);
        var outOfMemory = error is OutOfMemoryException || first.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
            || first.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase)
            || first.Contains("not enough memory", StringComparison.OrdinalIgnoreCase)
            || first.Contains("alloc_cpu", StringComparison.OrdinalIgnoreCase);
        return new GenerationException(
            outOfMemory ? $"{what} ran out of memory: {first} A smaller batch or image may fit." : $"{what} failed on the device: {first}",
            outOfMemory, error);
    }

    // The lines after it are the addresses of torch's own stack.
    private static string FirstLine(Exception error) => error.Message.Split('\n')[0];
}
