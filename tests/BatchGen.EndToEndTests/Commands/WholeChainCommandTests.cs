using System.Globalization;
using BatchGen.Imaging;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary>Commands that need the whole program: database, weights and images.</summary>
public sealed class WholeChainCommandTests
{
    [Fact]
    [SuccessOf("migrate")]
    public async Task Migrating_an_empty_database_names_every_migration_and_migrating_again_finds_nothing_to_do()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var schema = database.Schema + "_fresh";
        program.Environment["BatchGen__Queue__Schema"] = schema;
        try
        {
            var first = await program.RunHereAsync("migrate");
            Assert.Equal((0, ""), (first.ExitCode, first.Error));
            Assert.All(first.Output.TrimEnd().Split('\n'), line => Assert.StartsWith("Applied ", line, StringComparison.Ordinal));
            Assert.Equal("The schema is up to date\n", (await program.RunHereAsync("migrate")).Output);
        }
        finally
        {
            await database.SqlAsync($"drop schema if exists {schema} cascade");
        }
    }

    [Fact]
    [SuccessOf("demo")]
    public async Task The_demo_renders_and_verifies_42_images_and_draws_a_contact_sheet()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var result = await program.RunHereAsync("demo");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.StartsWith("Submitted 42 jobs over 7 signatures in mixed order as campaign demo-", result.Output, StringComparison.Ordinal);
        Assert.Contains("images            42 of 42, 42 verified by checksum\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("checkpoints       7 passed, 0 drifted\n", result.Output, StringComparison.Ordinal);
        var sheet = Directory.GetFiles(program.DataFolder, "demo-*.png").Single();
        Assert.Contains($"contact sheet     {sheet}\n", result.Output, StringComparison.Ordinal);
        var image = ImageEncoder.Decode(await File.ReadAllBytesAsync(sheet, TestContext.Current.CancellationToken));
        Assert.True(image.WidthPixels > 6 * 64 && image.HeightPixels > 7 * 64,
            $"The sheet has {image.WidthPixels} x {image.HeightPixels} pixels.");
    }

    [Fact]
    [SuccessOf("drift")]
    public async Task Drift_reports_changed_weights_for_the_usual_ways_and_none_for_the_overlay()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var folder = Path.Combine(program.DataFolder, "report");
        var result = await program.RunHereAsync(
            "drift", "--cycles", "3", "--prompt", "a yellow star on a purple background", "--procedure", "half", "--procedure", "overlay",
            "--out", folder);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("[1/2] ", result.Error, StringComparison.Ordinal);
        var lines = result.Output.TrimEnd().Split('\n');
        Assert.Contains("add and subtract in 16 bit: after 3 cycles weight error ", lines[0], StringComparison.Ordinal);
        Assert.Contains("weight error 0.0000%, 0.00% of the numbers changed; images equal; 0 checksums of 3 differed; ", lines[1],
            StringComparison.Ordinal);
        Assert.Equal(Path.Combine(folder, "drift.html"), lines[2]);
        Assert.All(lines[2..], file => Assert.True(File.Exists(file), file));
        var measured = (await File.ReadAllLinesAsync(Path.Combine(folder, "drift.csv"), TestContext.Current.CancellationToken))
            .Where(line => line.StartsWith("\"add and subtract", StringComparison.Ordinal)).Select(line => line.Split(',')[2]);
        Assert.All(measured,
            error => Assert.True(double.Parse(error, CultureInfo.InvariantCulture) > 0, "16-bit arithmetic left the weights as they were"));
    }
}
