using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.TorchTests.Models;

/// <summary>Convolutions are sent to the kernels whose sums do not depend on the batch only where torch would choose others.</summary>
public sealed class ConvolutionKernelsTests
{
    [Fact]
    public void Kernels_of_one_pixel_are_spread_for_float32_on_one_thread_only()
    {
        using var scope = NewDisposeScope();
        var before = get_num_threads();
        try
        {
            set_num_threads(1);
            Assert.Equal([2, 2], ConvolutionKernels.OnePixelDilation(zeros(1, 1, 1, 1))!);
            Assert.Null(ConvolutionKernels.OnePixelDilation(zeros([1, 1, 1, 1], ScalarType.BFloat16)));
            Assert.Null(ConvolutionKernels.OnePixelDilation(zeros([1, 1, 1, 1], device: META)));
            set_num_threads(2);
            Assert.Null(ConvolutionKernels.OnePixelDilation(zeros(1, 1, 1, 1)));
        }
        finally
        {
            set_num_threads(before);
        }
    }
}
