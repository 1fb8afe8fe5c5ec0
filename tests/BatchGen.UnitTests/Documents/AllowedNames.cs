namespace BatchGen.UnitTests.Documents;

/// <summary>Names in documents and comments that are right although nothing in this repository bears them.</summary>
internal static class AllowedNames
{
    /// <summary>Documents about other programs' files: their names are not ours. Links in them are checked all the same.</summary>
    public static IReadOnlySet<string> DocumentsOfOtherPrograms { get; } = Set(
        "docs/adapter-formats.md", // Keys and source files of kohya-ss, LyCORIS, PEFT, diffusers and others.
        "CHANGELOG.md"); // Names as they were at each version.

    /// <summary>Files that other programs make or that stand on a user's machine.</summary>
    public static IReadOnlySet<string> Files { get; } = Set(
        // diffusers and PEFT folders.
        "adapter_config.json", "scheduler_config.json", "config.json", "model_index.json", "tokenizer_config.json");

    /// <summary>Beginnings of paths in other projects' repositories, which comments cite as sources.</summary>
    public static IReadOnlyList<string> PathsOfSources { get; } =
    [
        "src/peft/", "src/diffusers/", "models/autoencoders/", "models/clip/", "models/unets/",
    ];

    /// <summary>Options of other programs that our documents show.</summary>
    public static IReadOnlySet<string> Options { get; } = Set(
        "--filter-class"); // xunit, passed on by the launcher's 'test'.

    /// <summary>Words in Pascal case that name things of other programs, or are spelled so in English.</summary>
    public static IReadOnlySet<string> Words { get; } = Set(
        "GitHub", "JavaScript", "DejaVu", "PgBouncer",
        "LoHa", "LoKr", "LoCon", "CompVis", "EmphasisOriginal", // Adapter algorithms, a repository, a class of AUTOMATIC1111's web UI.
        // diffusers.
        "EulerAncestralDiscreteScheduler", "EulerDiscreteScheduler", "HeunDiscreteScheduler", "StableDiffusionImg2ImgPipeline",
        "UserComment", // EXIF.
        "ImageLibrary", "TorchBackend", // Build switches, checked where they are written as switches.
        "Normalize", // The base class library.
        "WALWrite", "WALSync"); // Wait events of PostgreSQL.

    /// <summary>Words with underscores that name things of other programs, or that the program puts together.</summary>
    public static IReadOnlySet<string> SnakeWords { get; } = Set(
        "clock_timestamp", "wal_writer_delay", "ignore_startup_parameters", "extra_float_digits", // PostgreSQL and PgBouncer.
        "time_total", // curl.
        "skip_prk_steps", "timestep_spacing", "from_config", "manual_seed", // diffusers and torch.
        "fast_emulated", // A column of the reference data.
        "batchgen_done", "batchgen_jobs"); // Channels: the schema's name and what they tell.

    private static HashSet<string> Set(params string[] names) => new(names, StringComparer.Ordinal);
}
