using System.Globalization;
using System.Text.RegularExpressions;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary>The measurements run and print every part; times depend on the machine, so none is judged.</summary>
public sealed partial class BenchCommandTests
{
    [Fact]
    [SuccessOf("bench render")]
    public async Task Bench_render_reports_every_part_with_its_floor()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);

        var result = await program.RunAsync(
            "bench", "render", "--steps", "2", "--part", "text", "--part", "unet", "--part", "batch", "--part", "vae", "--part", "image");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        foreach (var part in new[] { "matrix products", "load:", "text encoding", "UNet pass over 2 latents", "floor by matrix rate",
            "operations alone", "batch of 4 images", "VAE decode", "one image of 2 steps", "images/min", "peak memory" })
            Assert.Contains(part, result.Output, StringComparison.Ordinal);
        // The demo UNet's two latents are counted, not guessed: more than a tenth of a GFLOP, less than ten.
        var counted = double.Parse(CountedOperations().Match(result.Output).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.InRange(counted, 0.1, 10);
    }

    [Fact]
    [SuccessOf("bench queue")]
    public async Task Bench_queue_reports_rates_and_drops_its_schema()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);

        var result = await program.RunAsync(
            "bench", "queue", "--jobs", "21000", "--signatures", "50", "--claims", "20", "--workers", "2", "--singles", "20", "--drain",
            "2000", "--drain-signatures", "5", "--latency", "3");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        foreach (var part in new[] { "submit one by one", "urgent job", "claim, complete and close", "submit in bulk",
            "claim of 32 with one signature, 8 workers", "fusions for the whole backlog (one per signature would be 50" })
            Assert.Contains(part, result.Output, StringComparison.Ordinal);
        Assert.Equal(0, await database.SqlAsync<long>("select count(*) from pg_namespace where nspname = 'batchgen_bench'"));
    }

    [Fact]
    [SuccessOf("bench switch")]
    public async Task Bench_switch_reports_fuse_unload_and_checksum()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);

        var result = await program.RunAsync("bench", "switch", "--rank", "1", "--repeats", "1");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        foreach (var part in new[] { "fuse", "unload", "checksum" })
            Assert.Contains(part, result.Output, StringComparison.OrdinalIgnoreCase);
    }

    // The other parts are tests of BatchGen.ChaosTests.
    [Fact]
    [SuccessOf("bench chaos")]
    public async Task Bench_chaos_shows_that_a_killed_worker_costs_its_lease_and_a_lost_server_no_image_and_no_worker()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);

        var result = await program.RunAsync(
            "bench", "chaos", "--part", "single-faults", "--workers", "2", "--lease", "5", "--seed", "12");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        foreach (var part in new[] { "A crash of the server in the middle of a batch loses no recorded image",
            "A failover to the standby in the middle of a batch loses no recorded image", "Jobs of a killed worker run again within 10 s",
            "No worker that was not killed had to be started again", "0 violations" })
            Assert.Contains(part, result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "is missing or has no weights")]
    [InlineData(true, "model.safetensors")]
    public async Task Bench_chaos_that_cannot_copy_the_models_leaves_no_server_no_disk_and_no_folder(bool breaksWhileCopying, string says)
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var (home, scratch) = (Path.Combine(program.DataFolder, "home"), Path.Combine(program.DataFolder, "scratch"));
        Directory.CreateDirectory(scratch);
        foreach (var folder in breaksWhileCopying ? (string[])["demo", "demo-adapters"] : [])
        {
            Directory.CreateDirectory(Path.Combine(home, "models", folder));
            File.CreateSymbolicLink(Path.Combine(home, "models", folder, "model.safetensors"), "nowhere");
        }

        // The user as whom the servers run has to get to its folders.
        const UnixFileMode Open = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(program.DataFolder, Open);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(scratch, Open);
        (program.Environment["BATCHGEN_HOME"], program.Environment["TMPDIR"]) = (home, scratch);

        var result = await program.RunAsync("bench", "chaos", "--part", "single-faults", "--workers", "2", "--lease", "5");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(says, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(scratch),
            entry => Path.GetFileName(entry).StartsWith("batchgen-chaos-", StringComparison.Ordinal));
        Assert.DoesNotContain(scratch, await File.ReadAllTextAsync("/proc/mounts", TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
        Assert.DoesNotContain(
            Directory.EnumerateDirectories("/proc"), process => CommandOf(process).Contains(scratch, StringComparison.Ordinal));
    }

    private static string CommandOf(string process)
    {
        try
        {
            return int.TryParse(Path.GetFileName(process), CultureInfo.InvariantCulture, out _)
                ? File.ReadAllText(Path.Combine(process, "cmdline")) : "";
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    [Theory]
    [InlineData("--part", "nosuch", "text, unet, batch, vae, image")]
    [InlineData("--size", "100", "multiple of 8")]
    [InlineData("--type", "float8", "float32 or bfloat16")]
    public async Task Bench_render_refuses_values_that_it_cannot_measure(string option, string value, string says)
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);

        var result = await program.RunAsync("bench", "render", option, value);

        Assert.Equal((2, ""), (result.ExitCode, result.Output));
        Assert.Contains(says, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    [GeneratedRegex(@"UNet pass over 2 latents: [\d.]+ s; ([\d.]+) GFLOP")]
    private static partial Regex CountedOperations();
}
