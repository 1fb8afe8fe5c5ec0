using System.Runtime.InteropServices;
using BatchGen.Core.Failures;

namespace BatchGen.Diffusion.Rendering;

/// <summary>Tells failures of this attempt from programming errors in what native torch throws.</summary>
internal static class TorchErrors
{
    /// <summary>True for errors that come from native torch or from lack of memory.</summary>
    public static bool IsDeviceError(Exception error) => error is ExternalException or OutOfMemoryException;

    /// <summary>The failure that the worker decides on.</summary>
    public static GenerationException Translate(Exception error, string what)
    {
        var first = error.Message.Split('\n')[0];
        var outOfMemory = error is OutOfMemoryException || first.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
            || first.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase) || first.Contains("not enough memory", StringComparison.OrdinalIgnoreCase)
            || first.Contains("alloc_cpu", StringComparison.OrdinalIgnoreCase);
        return new GenerationException(
            outOfMemory ? $"{what} ran out of memory: {first} A smaller batch or picture may fit." : $"{what} failed on the device: {first}", outOfMemory, error);
    }
}
