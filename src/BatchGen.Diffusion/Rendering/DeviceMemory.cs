using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace BatchGen.Diffusion.Rendering;

/// <summary>Memory of a device: for the CPU that of this process and of the machine (or what a container may use), for a GPU all that is
/// used on it, by whichever program.</summary>
/// <param name="UsedBytes">Bytes in use.</param>
/// <param name="SizeBytes">Bytes there are.</param>
public readonly record struct DeviceMemoryUse(long UsedBytes, long SizeBytes);

/// <summary>Reads how much memory of a device is in use.</summary>
/// <remarks>For GPUs by NVML, which comes with the driver and counts what all programs use; torch sees its own only.</remarks>
public static partial class DeviceMemory
{
    private const string Library = "libnvidia-ml.so.1";
    private static readonly Lazy<bool> HasLibrary = new(Start);

    /// <summary>The memory of a device.</summary>
    /// <param name="device">Name of the device: <c>cpu</c> or <c>cuda:N</c>.</param>
    /// <returns>Null when it cannot be read.</returns>
    public static DeviceMemoryUse? Read(string device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!device.StartsWith("cuda", StringComparison.Ordinal))
        {
            using var process = Process.GetCurrentProcess();
            return new DeviceMemoryUse(process.WorkingSet64, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        }

        return HasLibrary.Value && Find(device) is { } handle && GetMemory(handle, out var memory) == 0
            ? new DeviceMemoryUse((long)memory.Used, (long)memory.Total) : null;
    }

    // CUDA numbers the devices that the environment shows it, by number or by name.
    private static nint? Find(string device)
    {
        var number = int.TryParse(device.AsSpan(device.IndexOf(':') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var given)
            ? given : 0;
        var shown = Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES")?.Split(',', StringSplitOptions.TrimEntries);
        if (shown is { Length: > 0 } && number >= shown.Length) return null;
        var name = shown is { Length: > 0 } ? shown[number] : number.ToString(CultureInfo.InvariantCulture);
        nint handle;
        var answer = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? GetByIndex((uint)index, out handle) : GetByName(name, out handle);
        return answer == 0 ? handle : null;
    }

    private static bool Start()
    {
        try
        {
            return Initialize() == 0;
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    [LibraryImport(Library, EntryPoint = "nvmlInit_v2")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Initialize();

    [LibraryImport(Library, EntryPoint = "nvmlDeviceGetHandleByIndex_v2")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetByIndex(uint index, out nint handle);

    [LibraryImport(Library, EntryPoint = "nvmlDeviceGetHandleByUUID", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetByName(string name, out nint handle);

    [LibraryImport(Library, EntryPoint = "nvmlDeviceGetMemoryInfo")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetMemory(nint handle, out Memory memory);

    // nvmlMemory_t of nvml.h.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Memory
    {
        public readonly ulong Total;
        public readonly ulong Free;
        public readonly ulong Used;
    }
}
