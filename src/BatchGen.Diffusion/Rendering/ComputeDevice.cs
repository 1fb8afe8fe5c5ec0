using System.Globalization;
using BatchGen.Core.Rendering;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Rendering;

/// <summary>The device and element type that options ask for, checked against what is there.</summary>
/// <param name="Device">Torch's device.</param>
/// <param name="Type">Element type to compute in.</param>
/// <param name="Info">What reports say.</param>
internal sealed record ComputeDevice(Device Device, ScalarType Type, DeviceInfo Info)
{
    /// <summary>Settles on a device.</summary>
    /// <exception cref="InvalidOperationException">Torch cannot be loaded, the device is not there, or the type is not for it; the message
    /// says what to do.</exception>
    public static ComputeDevice Choose(DiffusionOptions options)
    {
        ThreadWaiting.PreferSleeping();
        HostMemory.KeepForReuse();
        try
        {
            return ChooseLoaded(options);
        }
        catch (Exception error) when (error is DllNotFoundException or TypeInitializationException or NotSupportedException)
        {
            // TorchSharp's message goes on for a page; the first line says what is missing, and the whole is in the inner exception.
            var reason = (error.InnerException ?? error).Message.Split('\n')[0].Trim();
            throw new InvalidOperationException(
                $"Native torch could not be loaded, so nothing can be rendered here: {reason} A program built "
                    + "with -p:TorchBackend=none has no renderer; "
                + "build with -p:TorchBackend=cpu or cuda-linux.", error);
        }
    }

    private static ComputeDevice ChooseLoaded(DiffusionOptions options)
    {
        var name = options.Device;
        if (name == "auto") name = cuda.is_available() ? "cuda:0" : "cpu";
        if (name == "cuda") name = "cuda:0";
        var isCuda = name.StartsWith("cuda:", StringComparison.Ordinal);
        if (!isCuda && name != "cpu")
            throw new InvalidOperationException($"Device '{options.Device}' is not known; use auto, cpu, cuda or cuda:N.");
        var index = isCuda ? int.Parse(name["cuda:".Length..], NumberStyles.None, CultureInfo.InvariantCulture) : 0;
        if (isCuda && (!cuda.is_available() || index >= cuda.device_count()))
        {
            throw new InvalidOperationException(
                $"Device '{name}' was asked for, but torch sees {(cuda.is_available() ? cuda.device_count() : 0)} CUDA devices. "
                    + "Check the driver, or build with -p:TorchBackend=cuda-linux.");
        }

        var type = options.ComputeType switch
        {
            "auto" => isCuda ? ScalarType.Float16 : ScalarType.Float32,
            "float32" => ScalarType.Float32,
            "bfloat16" => ScalarType.BFloat16,
            "float16" when isCuda => ScalarType.Float16,
            "float16" => throw new InvalidOperationException(
                "float16 arithmetic on a CPU is some 300 times slower than float32. Use float32, or bfloat16 where the processor has it."),
            var other =>
                throw new InvalidOperationException($"Compute type '{other}' is not known; use auto, float32, bfloat16 or float16."),
        };
        var device = isCuda ? new Device(DeviceType.CUDA, index) : CPU;
        var processor = isCuda ? $"CUDA device {index}" : ProcessorName();
        var description = isCuda ? processor
            : string.Create(CultureInfo.InvariantCulture, $"{processor}, {Environment.ProcessorCount} processors");
        return new ComputeDevice(device, type, new DeviceInfo(name, description, type.ToString().ToLowerInvariant())
        {
            Processor = processor,
            Torch = TorchVersion(),
            Threads = get_num_threads(),
        });
    }

    private static string TorchVersion() => $"libtorch {__version__}, TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}";

    private static string ProcessorName()
    {
        const string Path = "/proc/cpuinfo";
        var line =
            File.Exists(Path) ? File.ReadLines(Path).FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
            ?? System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString();
    }
}
