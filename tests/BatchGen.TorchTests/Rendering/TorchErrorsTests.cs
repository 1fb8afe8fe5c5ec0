using System.Runtime.InteropServices;
using BatchGen.Core.Failures;
using BatchGen.Diffusion.Rendering;
using TorchSharp;

namespace BatchGen.TorchTests.Rendering;

public sealed class TorchErrorsTests
{
    [Fact]
    public void A_device_without_memory_for_a_model_gives_another_failure_than_a_damaged_model()
    {
        // Four petabytes: more than any machine has.
        var error = Assert.ThrowsAny<ExternalException>(() => torch.empty(1L << 50).Dispose());

        Assert.True(TorchErrors.IsDeviceError(error));
        var load = TorchErrors.TranslateLoad(error, "Putting model 'demo' on cpu");
        Assert.Equal(FailureCode.Generation, load.Code);
        Assert.StartsWith("Putting model 'demo' on cpu failed: ", load.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', load.Message);
    }
}
