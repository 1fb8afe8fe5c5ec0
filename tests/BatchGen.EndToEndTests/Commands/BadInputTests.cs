using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary>Wrong input is answered with one clear line and the right exit code, and nothing is submitted.</summary>
public sealed class BadInputTests
{
    [Fact]
    public async Task Every_wrong_submit_is_refused_with_a_line_that_names_the_field()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        await program.RunHereAsync("models", "add", Path.Combine(RepositoryPaths.Models, "demo"), "--name", "demo");
        await program.RunHereAsync("adapters", "add", Path.Combine(RepositoryPaths.Models, "demo-adapters", "demo-neon.safetensors"));
        await database.Adapters.AddAsync(
            new("for-xl", "/adapters/xl", new string('a', 64), 1, "kohya", "lora", "sdxl", 4, 4, 1, []), replace: false,
            TestContext.Current.CancellationToken);
        var readMe = Path.Combine(RepositoryPaths.Root, "README.md");
        (string[] Arguments, string[] Says)[] cases =
        [
            (["--model", "nosuch"], ["model", "nosuch", "models add"]),
            (["--adapter", "demo-noen"], ["demo-noen", "Did you mean 'demo-neon'?"]),
            (["--sampler", "nosuch"], ["sampler", "nosuch", "ddim", "euler"]),
            (["--width", "100"], ["width", "multiple of 8", "100"]),
            (["--steps", "0"], ["steps", "1 to 1000", "0"]),
            (["--steps", "10000"], ["steps", "1 to 1000", "10000"]),
            (["--adapter", "demo-neon@NaN"], ["NaN"]),
            (["--adapter", "for-xl@0.5"], ["for-xl", "fits sdxl models, and 'demo' is sd15"]),
            (["--adapter", "demo-neon@1[1,0]"], ["block_strengths", "17 or 26 numbers for sd15 models"]),
            (["--strength", "0.5"], ["strength", "needs a start_image"]),
            (["--guidance-rescale", "2"], ["guidance_rescale", "0 to 1"]),
            (["--start-image", readMe], ["--start-image", readMe, "not a PNG, WebP or JPEG image"]),
            (["--adapter", "demo-neon@99"], ["strength", "-16 to 16"]),
        ];
        foreach (var (arguments, says) in cases)
        {
            var result = await program.RunHereAsync(["submit", "--prompt", "a star", .. arguments]);
            Assert.Equal((2, ""), (result.ExitCode, result.Output));
            Assert.All(says, part => Assert.Contains(part, result.Error, StringComparison.Ordinal));
            Assert.Single(result.Error.TrimEnd().Split('\n'));
        }

        var latin = Path.Combine(program.DataFolder, "latin.csv");
        await File.WriteAllBytesAsync(latin, [.. "prompt\ncaf"u8, 0xE9, (byte)'\n'], TestContext.Current.CancellationToken);
        // In a process of its own, which ends with the same line and exit code.
        var refused = await program.RunAsync("submit", latin);
        Assert.Equal(
            (2, $"batchgen: '{latin}' is not text in UTF-8. Save it as UTF-8, then submit it again.\n"), (refused.ExitCode, refused.Error));

        Assert.Equal(0, (await database.Catalog.CountAsync(null, TestContext.Current.CancellationToken)).Total);
        var empty = await program.RunHereAsync("submit", "--prompt", "", "--model", "demo", "--width", "64", "--height", "64");
        Assert.Equal((0, ""), (empty.ExitCode, empty.Error));
    }

    [Fact]
    public async Task A_link_to_a_device_that_never_ends_is_refused_with_the_limit_and_a_link_to_standard_input_is_read()
    {
        if (OperatingSystem.IsWindows()) return; // It has no such devices.
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await using var program = new ProgramUnderTest(database);
        var link = Path.Combine(program.DataFolder, "jobs.csv");
        File.CreateSymbolicLink(link, "/dev/zero");
        var refused = await program.RunHereAsync("submit", link);
        Assert.Equal(2, refused.ExitCode);
        Assert.Equal($"batchgen: '{link}' brings more than 256 Mi letters and cannot be read twice. "
            + "Expected a list of jobs; write a longer one into a file.\n", refused.Error);

        var pipe = Path.Combine(program.DataFolder, "pipe.csv");
        IrregularFiles.MakePipe(pipe);
        File.Delete(link);
        File.CreateSymbolicLink(link, pipe);
        var submitted = program.RunHereAsync("submit", link);
        await File.AppendAllTextAsync(pipe, "prompt\na star\n", TestContext.Current.CancellationToken);
        Assert.Equal(0, (await submitted).ExitCode);
    }

    [Fact]
    public async Task Files_that_are_not_adapters_are_refused_with_the_reason()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var good = await File.ReadAllBytesAsync(
            Path.Combine(RepositoryPaths.Models, "demo-adapters", "demo-neon.safetensors"), TestContext.Current.CancellationToken);
        (string Name, byte[] Bytes, string[] Says)[] cases =
        [
            ("cut.safetensors", good[..(good.Length / 2)], ["cut.safetensors"]),
            ("huge.safetensors", [0, 0, 0, 0, 0, 0, 0, 0x80, .. good.AsSpan(8)], ["huge.safetensors", "header"]),
            ("old.ckpt", [0x80, 2, (byte)'}', .. new byte[64]], ["pickle", "safetensors"]),
            ("empty.safetensors", [], ["empty.safetensors"]),
        ];
        foreach (var (name, bytes, says) in cases)
        {
            var path = Path.Combine(program.DataFolder, name);
            await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);
            var result = await program.RunHereAsync("adapters", "add", path);
            Assert.NotEqual(0, result.ExitCode);
            Assert.All(says, part => Assert.Contains(part, result.Error, StringComparison.Ordinal));
            Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        }

        Assert.Empty(await database.Adapters.ListAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_file_whose_name_cannot_be_registered_does_not_keep_the_others_of_its_folder_out()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var folder = Directory.CreateDirectory(Path.Combine(program.DataFolder, "loras")).FullName;
        foreach (var (from, to) in new[] { ("demo-neon", "A style, v2"), ("demo-neon", "neon"), ("demo-outline", "outline") })
            File.Copy(
                Path.Combine(RepositoryPaths.Models, "demo-adapters", from + ".safetensors"), Path.Combine(folder, to + ".safetensors"));

        var result = await program.RunAsync("adapters", "add", folder);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("A style, v2", Assert.Single(result.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.Contains("--name", result.Error, StringComparison.Ordinal);
        Assert.Equal(["neon", "outline"],
            (await database.Adapters.ListAsync(TestContext.Current.CancellationToken)).Select(adapter => adapter.Name));
    }

    [Fact]
    public async Task A_command_whose_database_cannot_be_reached_ends_with_one_line_and_exit_code_3()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        program.Environment["ConnectionStrings__BatchGen"] = "Host=127.0.0.1;Port=1;Username=nobody;Password=secret;Timeout=3";
        var result = await program.RunAsync("jobs");
        Assert.Equal(3, result.ExitCode);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
        Assert.DoesNotContain("secret", result.Error, StringComparison.Ordinal);
    }
}
