using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>Predictor and corrector of one form: Zhao et al. 2023 (arXiv:2302.04867), algorithms 5 to 8, in their B(h) variants.</summary>
/// <remarks>
/// Symbols: h step of lambda, hh = -h for predicted clean samples and h for noise, r ratios of earlier steps, m converted outputs, D their
/// divided differences, rho the solved weights. Settings as in diffusers 0.30.3, UniPCMultistepScheduler.
/// </remarks>
internal sealed class UniPcSampler : ISampler
{
    private readonly NoiseSchedule _schedule;
    private readonly SolverPath _path;
    private readonly History _outputs;
    private readonly History _lastSample = new(1);
    private readonly int _order;
    private readonly bool _predictsClean;
    private readonly bool _secondForm;
    private readonly bool _lowerAtEnd;
    private int _done;
    private int _lastOrder;

    public UniPcSampler(ConfigFile config, int steps)
    {
        config.Require("solver_type", "bh2", "bh1", "bh2", "midpoint", "heun", "logrho");
        config.Require("disable_corrector", "[]", "[]");
        _schedule = new NoiseSchedule(config, SigmaPath.ZeroSnrFloor);
        _path = SolverPath.Create(config, _schedule, steps, "zero", karrasRepeatsLast: true);
        _order = (int)config.Integer("solver_order", 2);
        if (_order is < 1 or > 4) throw new ModelException($"'{config.Path}' has solver_order {_order}; known are 1 to 4.");
        _predictsClean = config.Flag("predict_x0", true);
        // Types of other solvers in a model's settings stand for the default, as upstream.
        _secondForm = config.Text("solver_type", "bh2") != "bh1";
        _lowerAtEnd = config.Flag("lower_order_final", true);
        _outputs = new History(_order);
    }

    public IReadOnlyList<double> Timesteps => _path.Times;

    public double InitialScale => 1;

    public Tensor ScaleInput(Tensor sample, int call) => sample.alias();

    public Tensor Step(Tensor output, int call, Tensor sample, Func<Tensor> noise)
    {
        using var scope = NewDisposeScope();
        var (clean, epsilon) = Predicted.CleanAndNoise(_schedule.Prediction, output, sample, _path.Alpha(call), _path.Sigma(call));
        var converted = _predictsClean ? clean : epsilon;
        if (_done > 0) sample = Move(_lastSample[0], call - 1, _lastOrder, converted);
        _outputs.Push(converted);
        _lastSample.Push(sample);
        _lastOrder = Math.Min(Math.Min(_lowerAtEnd ? _path.Times.Length - call : _order, _order), _done + 1);
        _done = Math.Min(_done + 1, _order);
        return Move(sample, call, _lastOrder, null).MoveToOuterDisposeScope();
    }

    public Tensor AddNoise(Tensor clean, Tensor noise, int call) => _path.AddNoise(clean, noise, call);

    public void Dispose()
    {
        _outputs.Dispose();
        _lastSample.Dispose();
    }

    // From one place of the path to the next; with the output found there it corrects, without it predicts.
    private Tensor Move(Tensor x, int from, int order, Tensor? found)
    {
        var m0 = _outputs[0];
        var h = _path.Lambda(from + 1) - _path.Lambda(from);
        var hh = _predictsClean ? -h : h;
        var ratios = new List<double>();
        var differences = new List<Tensor>();
        for (var i = 1; i < order; i++)
        {
            var r = (_path.Lambda(from - i) - _path.Lambda(from)) / h;
            ratios.Add(r);
            differences.Add((_outputs[i] - m0) / r);
        }

        ratios.Add(1);
        var phi1 = double.IsNegativeInfinity(hh) ? -1 : Math.Exp(hh) - 1;
        var scale = _secondForm ? phi1 : hh;
        var weights = Weights(ratios, hh, phi1, scale, found is null);
        var (decay, factor) = _predictsClean ? (_path.Sigma(from + 1) / _path.Sigma(from), _path.Alpha(from + 1))
            : (_path.Alpha(from + 1) / _path.Alpha(from), _path.Sigma(from + 1));
        var next = Weighted.Sum((decay, x), (-factor * phi1, m0));
        for (var i = 0; i < differences.Count; i++) next.add_(differences[i], -factor * scale * weights[i]);
        if (found is not null) next.add_(found - m0, -factor * scale * weights[^1]);
        return next;
    }

    // arXiv:2302.04867, equation 11: R rho = b, with R the powers of the ratios and b from the phi functions.
    private static double[] Weights(List<double> ratios, double hh, double phi1, double scale, bool predicting)
    {
        var order = ratios.Count;
        // The values for one unknown are those of the paper's remark, not of the system.
        if (predicting && order == 1) return [];
        if (predicting && order == 2 || !predicting && order == 1) return [0.5];
        var count = predicting ? order - 1 : order;
        var matrix = new double[count, count + 1];
        var phi = phi1 / hh - 1;
        var factorial = 1.0;
        for (var row = 0; row < count; row++)
        {
            for (var column = 0; column < count; column++) matrix[row, column] = Math.Pow(ratios[column], row);
            matrix[row, count] = phi * factorial / scale;
            factorial *= row + 2;
            phi = phi / hh - 1 / factorial;
        }

        return Solve(matrix, count);
    }

    // Gauss elimination with pivots; at most four unknowns.
    private static double[] Solve(double[,] matrix, int count)
    {
        for (var column = 0; column < count; column++)
        {
            var pivot = Enumerable.Range(column, count - column).MaxBy(row => Math.Abs(matrix[row, column]));
            for (var k = 0; k <= count; k++) (matrix[column, k], matrix[pivot, k]) = (matrix[pivot, k], matrix[column, k]);
            for (var row = 0; row < count; row++)
            {
                if (row == column) continue;
                var share = matrix[row, column] / matrix[column, column];
                for (var k = column; k <= count; k++) matrix[row, k] -= share * matrix[column, k];
            }
        }

        return Enumerable.Range(0, count).Select(row => matrix[row, count] / matrix[row, row]).ToArray();
    }
}
