using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Sampling;

/// <summary>What the network predicts.</summary>
internal enum PredictionType
{
    /// <summary>The noise in the sample.</summary>
    Epsilon,

    /// <summary>The velocity (Salimans and Ho 2022, arXiv:2202.00512, appendix D).</summary>
    Velocity,

    /// <summary>The clean sample.</summary>
    Sample,
}

/// <summary>The noise levels a model was trained with, from its scheduler_config.json.</summary>
/// <remarks>
/// Symbols: beta_t variance added at time t; alphaBar_t = product of (1 - beta) up to t (Ho et al. 2020, arXiv:2006.11239, equation 4);
/// sigma_t = sqrt((1 - alphaBar_t) / alphaBar_t) (Karras et al. 2022, arXiv:2206.00364). Names of settings as in diffusers 0.30.3.
/// </remarks>
internal sealed class NoiseSchedule
{
    public NoiseSchedule(ConfigFile config, double zeroSnrFloor = 0)
    {
        config.Require("thresholding", "false", "false");
        config.Require("use_exponential_sigmas", "false", "false");
        config.Require("use_beta_sigmas", "false", "false");
        TrainSteps = (int)config.Integer("num_train_timesteps", 1000);
        if (TrainSteps is < 1 or > 100_000)
            throw new ModelException($"'{config.Path}' has num_train_timesteps {TrainSteps}; expected 1 to 100000.");
        Prediction = config.Text("prediction_type", "epsilon") switch
        {
            "epsilon" => PredictionType.Epsilon,
            "v_prediction" => PredictionType.Velocity,
            "sample" => PredictionType.Sample,
            var other =>
                throw new ModelException($"'{config.Path}' has prediction_type '{other}'; known are epsilon, v_prediction and sample."),
        };
        var betas = Betas(config);
        if (config.Flag("rescale_betas_zero_snr", false)) betas = WithZeroTerminalSnr(betas);
        AlphaBars = new double[TrainSteps];
        var product = 1.0;
        for (var t = 0; t < TrainSteps; t++) AlphaBars[t] = product *= 1 - betas[t];
        // Solvers that divide by alphaBar keep it just above zero (diffusers: 2^-24).
        if (config.Flag("rescale_betas_zero_snr", false) && zeroSnrFloor > 0) AlphaBars[^1] = zeroSnrFloor;
    }

    /// <summary>Number of noise levels in training.</summary>
    public int TrainSteps { get; }

    /// <summary>What the network predicts.</summary>
    public PredictionType Prediction { get; }

    /// <summary>alphaBar of each time.</summary>
    public double[] AlphaBars { get; }

    /// <summary>sigma of a time.</summary>
    public double Sigma(int time) => Math.Sqrt((1 - AlphaBars[time]) / AlphaBars[time]);

    /// <summary>sigma of every time, rising.</summary>
    public double[] Sigmas() => Enumerable.Range(0, TrainSteps).Select(Sigma).ToArray();

    private double[] Betas(ConfigFile config)
    {
        if (config.NumbersOrNull("trained_betas") is { } trained)
            return trained.Length == TrainSteps ? trained
                : throw new ModelException($"'{config.Path}' has {trained.Length} trained_betas for {TrainSteps} time steps.");
        var (start, end) = (config.Number("beta_start", 0.0001), config.Number("beta_end", 0.02));
        var betas = new double[TrainSteps];
        var kind = config.Text("beta_schedule", "linear");
        for (var t = 0; t < TrainSteps; t++)
        {
            var share = TrainSteps == 1 ? 0 : (double)t / (TrainSteps - 1);
            betas[t] = kind switch
            {
                "linear" => start + (end - start) * share,
                "scaled_linear" => Math.Pow(Math.Sqrt(start) + (Math.Sqrt(end) - Math.Sqrt(start)) * share, 2),
                // Nichol and Dhariwal 2021 (arXiv:2102.09672), equation 17, with their cap on beta.
                "squaredcos_cap_v2" => Math.Min(1 - CosineAlphaBar((t + 1.0) / TrainSteps) / CosineAlphaBar((double)t / TrainSteps), 0.999),
                _ => throw new ModelException(
                    $"'{config.Path}' has beta_schedule '{kind}'; known are linear, scaled_linear and squaredcos_cap_v2."),
            };
        }

        return betas;
    }

    private static double CosineAlphaBar(double share) => Math.Pow(Math.Cos((share + 0.008) / 1.008 * Math.PI / 2), 2);

    // Lin et al. 2023 (arXiv:2305.08891), algorithm 1: shifts and scales sqrt(alphaBar) so that the last one is 0 and the first stays.
    private static double[] WithZeroTerminalSnr(double[] betas)
    {
        var roots = new double[betas.Length];
        var product = 1.0;
        for (var t = 0; t < betas.Length; t++) roots[t] = Math.Sqrt(product *= 1 - betas[t]);
        var (first, last) = (roots[0], roots[^1]);
        var rescaled = new double[betas.Length];
        var before = 1.0;
        for (var t = 0; t < betas.Length; t++)
        {
            var root = (roots[t] - last) * first / (first - last);
            rescaled[t] = 1 - root * root / before;
            before = root * root;
        }

        return rescaled;
    }
}
