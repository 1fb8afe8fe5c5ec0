using System.Globalization;
using BatchGen.Core.Failures;
using BatchGen.Diffusion.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>Decodes the factors of one module and makes its deltas.</summary>
internal static class DeltaFactory
{
    /// <summary>The deltas of a module's weight and bias; either may be null, not both.</summary>
    /// <exception cref="AdapterException">Factors are missing or hold numbers that are not finite.</exception>
    public static (ModuleDelta? Weight, ModuleDelta? Bias) Create(AdapterFile file, AdapterModule module)
    {
        var made = new List<Tensor>();
        try
        {
            var reader = new FactorReader(file, module, made);
            var weight = WeightDelta(reader, module);
            var bias = BiasDelta(reader, module);
            if (weight is null && bias is null) throw reader.Bad("has no factor that makes a delta");
            made.Clear();
            return (weight, bias);
        }
        finally
        {
            foreach (var tensor in made) tensor.Dispose();
        }
    }

    private static ModuleDelta? WeightDelta(FactorReader reader, AdapterModule module)
    {
        var core = module.Has("up") || module.Has("down") ? LowRank(reader, module)
            : module.Has("hada_w1_a") || module.Has("hada_w1_b") ? Hadamard(reader, module)
            : module.Leaves.Keys.Any(leaf => leaf.StartsWith("lokr_", StringComparison.Ordinal)) ? Kronecker(reader, module)
            : module.Has("on_input") && module.Has("weight") ? new InputScaleDelta(reader.Vector("weight"), reader.Scalar("on_input") != 0)
            : module.Leaves.TryGetValue("oft_blocks", out var blocks) ? Rotations(reader, blocks, module)
            : module.Has("oft_diag")
                ? new OrthogonalDelta(reader.Tensor("oft_diag"), Rescale(reader, module), constraint: null, isRotation: true)
            : module.Leaves.Keys.Any(leaf => leaf.StartsWith("glora_", StringComparison.Ordinal)) ? Glora(reader, module)
            : module.Has("diff") ? new DenseDelta(reader.Tensor("diff"), 1)
            : module.Has("set_weight") ? new ReplacementDelta(reader.Tensor("set_weight"))
            : module.Has("w_norm") ? new DenseDelta(reader.Tensor("w_norm"), 1)
            : (ModuleDelta?)null;
        if (core is null || !(module.Has("dora_scale") || module.Has("magnitude"))) return core;
        // PEFT's vector is always per output channel; LyCORIS' shape shows it ([out, 1, ...] or [1, in, ...]).
        if (module.Has("magnitude")) return new MagnitudeDelta(core, reader.Vector("magnitude"), MagnitudeAxis.Output);
        var shape = module.Leaves["dora_scale"].Shape;
        var axis = shape.Length < 2 ? MagnitudeAxis.Unclear
            : shape[0] == 1 && shape[1] > 1 ? MagnitudeAxis.Input
            : shape[1] == 1 && shape[0] > 1 ? MagnitudeAxis.Output
            : MagnitudeAxis.Unclear;
        return new MagnitudeDelta(core, reader.Vector("dora_scale"), axis);
    }

    private static DenseDelta? BiasDelta(FactorReader reader, AdapterModule module) =>
        module.Has("diff_b") ? new DenseDelta(reader.Vector("diff_b"), 1)
        : module.Has("b_norm") ? new DenseDelta(reader.Vector("b_norm"), 1)
        : module.Has("up_bias") ? new DenseDelta(reader.Vector("up_bias"), reader.Scale(module.Rank))
        : null;

    private static ModuleDelta LowRank(FactorReader reader, AdapterModule module)
    {
        var up = reader.Matrix("up");
        var down = reader.Matrix("down");
        var scale = reader.Scale((int)down.shape[0]);
        return module.Has("mid") ? new TuckerDelta(up, reader.Tensor("mid"), down, scale) : new LowRankDelta(up, down, scale);
    }

    private static HadamardDelta Hadamard(FactorReader reader, AdapterModule module)
    {
        var firstB = reader.Matrix("hada_w1_b");
        return new HadamardDelta(
            reader.Matrix("hada_w1_a"), firstB, reader.Matrix("hada_w2_a"), reader.Matrix("hada_w2_b"),
            module.Has("hada_t1") ? reader.Tensor("hada_t1") : null, module.Has("hada_t2") ? reader.Tensor("hada_t2") : null,
            reader.Scale((int)firstB.shape[0]));
    }

    private static KroneckerDelta Kronecker(FactorReader reader, AdapterModule module)
    {
        Tensor? Optional(string leaf) => module.Has(leaf) ? reader.Matrix(leaf) : null;
        var (w1, w1A, w1B, w2A, w2B) = (Optional("lokr_w1"), Optional("lokr_w1_a"), Optional("lokr_w1_b"), Optional("lokr_w2_a"),
            Optional("lokr_w2_b"));
        var w2 = module.Has("lokr_w2") ? reader.Tensor("lokr_w2") : null;
        var t2 = module.Has("lokr_t2") ? reader.Tensor("lokr_t2") : null;
        // Two full factors: the stored alpha means nothing.
        var scale = w1 is not null && w2 is not null ? 1
            : reader.Scale((int)((w2 is null ? w2B : null) ?? w1B ?? throw reader.Bad("lacks lokr_w1 or lokr_w2")).shape[0]);
        return new KroneckerDelta([w1, w1A, w1B, w2, w2A, w2B, t2], module.Leaves.GetValueOrDefault("lokr_w2_b")?.Shape, scale);
    }

    private static ModuleDelta Rotations(FactorReader reader, SafetensorsEntry blocks, AdapterModule module)
    {
        var constraint = module.Has("alpha") ? reader.Scalar("alpha") : (double?)null;
        return blocks.Shape.Length == 4
            ? new ButterflyDelta(reader.Tensor("oft_blocks"), Rescale(reader, module), constraint)
            : new OrthogonalDelta(reader.Tensor("oft_blocks"), Rescale(reader, module), constraint, isRotation: false);
    }

    private static Tensor? Rescale(FactorReader reader, AdapterModule module) => module.Has("rescale") ? reader.Vector("rescale") : null;

    private static GloraDelta Glora(FactorReader reader, AdapterModule module)
    {
        var (a1, a2, b1, b2) = (reader.Matrix("glora_a1"), reader.Matrix("glora_a2"), reader.Matrix("glora_b1"), reader.Matrix("glora_b2"));
        var bm = module.Has("glora_bm") ? reader.Tensor("glora_bm") : null;
        // Old files store the factors the other way round; a1 is tall in the new form, wide in the old.
        var isOld = a1.shape[0] < a1.shape[1];
        return isOld
            ? new GloraDelta(a2, a1, b2, b1, bm, reader.Scale((int)a1.shape[0]))
            : new GloraDelta(a1, a2, b1, b2, bm, reader.Scale((int)a2.shape[0]));
    }

    /// <summary>Reads the leaves of one module as float32, checked to be finite.</summary>
    private sealed class FactorReader(AdapterFile file, AdapterModule module, List<Tensor> made)
    {
        /// <summary>A factor as stored.</summary>
        public Tensor Tensor(string leaf)
        {
            var entry = Entry(leaf);
            if (entry.Count == 0) throw Bad($"has an empty tensor '{entry.Name}' {entry.ShapeText}");
            var tensor = Read(entry);
            made.Add(tensor);
            // The largest magnitude is not finite as soon as one element is not: torch's max passes NaN on.
            using var largest = tensor.abs().max();
            if (!float.IsFinite(largest.item<float>()))
                throw Bad($"holds numbers that are not finite (NaN or infinity) in '{entry.Name}'");
            return tensor;
        }

        /// <summary>A factor as a matrix: first axis by all others.</summary>
        public Tensor Matrix(string leaf)
        {
            if (Entry(leaf).Shape.Length < 2)
                throw Bad($"has '{Entry(leaf).Name}' of shape {Entry(leaf).ShapeText} where a matrix was expected");
            return Reshaped(Tensor(leaf), tensor => tensor.view(tensor.shape[0], -1));
        }

        /// <summary>A factor as one row of numbers.</summary>
        public Tensor Vector(string leaf) => Reshaped(Tensor(leaf), tensor => tensor.view(-1));

        public double Scalar(string leaf)
        {
            var entry = Entry(leaf);
            if (entry.Count != 1) throw Bad($"has '{entry.Name}' of shape {entry.ShapeText} where one number was expected");
            using var scope = NewDisposeScope();
            var value = file.Tensors.ReadTensor(entry, ScalarType.Float64).item<double>();
            return double.IsFinite(value) ? value
                : throw Bad($"has a '{leaf}' that is not finite ({value.ToString(CultureInfo.InvariantCulture)})");
        }

        /// <summary>Trained scale for a rank (docs/adapter-formats.md section 5).</summary>
        public double Scale(int rank) =>
            module.Has("alpha") ? Scalar("alpha") / rank
            : file.Config?.Scale(module.Component, module.Path, rank) ?? 1;

        public AdapterException Bad(string what) =>
            new($"Adapter '{file.Path}': module {module.Name} {what}. The file is incomplete or damaged; export or download it again.");

        private SafetensorsEntry Entry(string leaf) =>
            module.Leaves.TryGetValue(leaf, out var entry) ? entry : throw Bad($"lacks its '{leaf}' factor");

        private Tensor Read(SafetensorsEntry entry)
        {
            try
            {
                return file.Tensors.ReadTensor(entry, ScalarType.Float32).DetachFromDisposeScope();
            }
            catch (SafetensorsException error)
            {
                throw new AdapterException($"Adapter file {error.Message}", error);
            }
        }

        private Tensor Reshaped(Tensor tensor, Func<Tensor, Tensor> reshape)
        {
            var view = reshape(tensor).DetachFromDisposeScope();
            made.Remove(tensor);
            tensor.Dispose();
            made.Add(view);
            return view;
        }
    }
}
