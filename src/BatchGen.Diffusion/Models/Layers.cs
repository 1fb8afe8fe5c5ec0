using BatchGen.Diffusion.Weights;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchGen.Diffusion.Models;

// The four kinds of layer that hold parameters. Each reads its Weight at every call, so that a fused overlay takes effect and an unloaded one
// ends at once; none has state of its own. Outputs are new tensors in the caller's dispose scope.

/// <summary>y = x Wᵀ + b.</summary>
internal sealed class Linear(ComponentWeights weights, string key, long inputs, long outputs, bool bias = true)
{
    private readonly Weight _weight = weights.Take(key + ".weight", outputs, inputs);
    private readonly Weight _bias = bias ? weights.Take(key + ".bias", outputs) : weights.TakeAbsent(key + ".bias");

    public Tensor Forward(Tensor x) => F.linear(x, _weight.Value, _bias.ValueOrNull);
}

/// <summary>A two-dimensional convolution with a square kernel.</summary>
internal sealed class Convolution(ComponentWeights weights, string key, long inputs, long outputs, long kernel, long stride = 1, long padding = 0)
{
    private readonly Weight _weight = weights.Take(key + ".weight", outputs, inputs, kernel, kernel);
    private readonly Weight _bias = weights.Take(key + ".bias", outputs);
    private readonly long[] _stride = [stride, stride];
    private readonly long[] _padding = [padding, padding];

    public Tensor Forward(Tensor x) => F.conv2d(x, _weight.Value, _bias.ValueOrNull, _stride, _padding);
}

/// <summary>Normalization over groups of channels.</summary>
internal sealed class GroupNorm(ComponentWeights weights, string key, long groups, long channels, double eps)
{
    private readonly Weight _weight = weights.Take(key + ".weight", channels);
    private readonly Weight _bias = weights.Take(key + ".bias", channels);

    public Tensor Forward(Tensor x) => F.group_norm(x, groups, _weight.Value, _bias.Value, eps);
}

/// <summary>Normalization over the last axis.</summary>
internal sealed class LayerNorm(ComponentWeights weights, string key, long width, double eps)
{
    private readonly Weight _weight = weights.Take(key + ".weight", width);
    private readonly Weight _bias = weights.Take(key + ".bias", width);
    private readonly long[] _shape = [width];

    public Tensor Forward(Tensor x) => F.layer_norm(x, _shape, _weight.Value, _bias.Value, eps);
}
