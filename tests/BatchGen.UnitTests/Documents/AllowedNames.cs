namespace BatchGen.UnitTests.Documents;

/// <summary>Names in documents and comments that are right although nothing in this repository bears them.</summary>
internal static class AllowedNames
{
    /// <summary>Documents about other programs' files: their names are not ours. Links in them are checked all the same.</summary>
    public static IReadOnlySet<string> DocumentsOfOtherPrograms { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "docs/adapter-formats.md", // Keys and source files of kohya-ss, LyCORIS, PEFT, diffusers and others.
        "CHANGELOG.md", // Names as they were at each version.
    };

    /// <summary>Files that other programs make or that stand on a user's machine.</summary>
    public static IReadOnlySet<string> Files { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "adapter_config.json", "scheduler_config.json", "config.json", "model_index.json", "tokenizer_config.json", // diffusers and PEFT folders.
        "simple_tokenizer.py", // openai/CLIP.
    };

    /// <summary>Options of other programs that our documents show.</summary>
    public static IReadOnlySet<string> Options { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "--filter-class", // xunit, passed on by the launcher's 'test'.
        "--scale", "--build-arg", // docker.
    };

    /// <summary>Words in Pascal case that name things of other programs, or are spelled so in English.</summary>
    public static IReadOnlySet<string> Words { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "BatchGen", // The program.
        "GitHub", "JavaScript", "DejaVu", "PgBouncer",
        "WALWrite", "WALSync", // Wait events of PostgreSQL.
    };

    /// <summary>Words with underscores that name things of other programs.</summary>
    public static IReadOnlySet<string> SnakeWords { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "statement_timeout", "lock_timeout", "wal_writer_delay", "shared_buffers", "ignore_startup_parameters", "extra_float_digits", // Servers.
        "skip_prk_steps", "timestep_spacing", "from_config", "manual_seed", // diffusers and torch.
    };
}
