using System.Text;
using System.Text.Json;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary><c>batchgen models</c> and <c>batchgen adapters</c>.</summary>
public sealed class RegistryCommandTests
{
    private static readonly string DemoModel = Path.Combine(RepositoryPaths.Models, "demo");
    private static readonly string DemoAdapters = Path.Combine(RepositoryPaths.Models, "demo-adapters");

    [Fact]
    [SuccessOf("models add")]
    [SuccessOf("models list")]
    public async Task A_registered_model_is_listed_with_its_family_size_and_path()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        Assert.Contains("No models are registered", (await program.RunHereAsync("models", "list")).Error, StringComparison.Ordinal);

        var added = await program.RunHereAsync("models", "add", DemoModel);
        Assert.Equal((0, ""), (added.ExitCode, added.Error));
        Assert.StartsWith("Registered model 'demo' (sd15, ", added.Output, StringComparison.Ordinal);

        var lines = (await program.RunHereAsync("models", "list")).Output.Split('\n');
        Assert.StartsWith("NAME  FAMILY  FILES  SIZE", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("demo  sd15    ", lines[1], StringComparison.Ordinal);
        Assert.EndsWith(DemoModel, lines[1], StringComparison.Ordinal);
        var json = JsonDocument.Parse((await program.RunHereAsync("models", "list", "--json")).Output).RootElement;
        Assert.Equal(("demo", "sd15"), (json.GetProperty("name").GetString(), json.GetProperty("family").GetString()));
    }

    [Fact]
    public async Task A_learned_word_with_a_control_character_is_refused_and_named_in_a_form_that_no_terminal_obeys()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var file = await WriteWordAsync(program, key: @"<zo\u001brk>", phrase: "a style");
        var refused = await program.RunHereAsync("adapters", "add", file);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains(@"has the learned word '<zo\u001brk>' with a control character", refused.Error, StringComparison.Ordinal);
        Assert.Contains("No adapters are registered", (await program.RunHereAsync("adapters", "list")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trigger_words_that_only_describe_are_left_out_with_a_warning_where_they_have_control_characters()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var file = await WriteWordAsync(program, key: "emb_params", phrase: @"zo\trk, good\n, fine, mid\u001bdle");
        var added = await program.RunHereAsync("adapters", "add", file);
        Assert.Equal(0, added.ExitCode);
        foreach (var word in (string[])[@"zo\trk", @"mid\u001bdle"])
            Assert.Contains($"Trigger word '{word}' is left out", added.Error, StringComparison.Ordinal);
        var json = JsonDocument.Parse((await program.RunHereAsync("adapters", "list", "--json")).Output).RootElement;
        Assert.Equal(["good", "fine"], json.GetProperty("trigger_words").EnumerateArray().Select(word => word.GetString()));
    }

    // Both texts as JSON writes them.
    private static async Task<string> WriteWordAsync(ProgramUnderTest program, string key, string phrase)
    {
        var file = Path.Combine(program.DataFolder, "word.safetensors");
        var header = $$$"""
            {"__metadata__":{"modelspec.trigger_phrase":"{{{phrase}}}"},"{{{key}}}":{"dtype":"F32","shape":[1,768],"data_offsets":[0,3072]}}
            """;
        await File.WriteAllBytesAsync(
            file, [.. BitConverter.GetBytes((long)header.Length), .. Encoding.UTF8.GetBytes(header), .. new byte[3072]],
            TestContext.Current.CancellationToken);
        return file;
    }

    [Fact]
    [SuccessOf("adapters add")]
    [SuccessOf("adapters list")]
    public async Task The_adapters_of_a_folder_are_registered_under_the_names_of_their_files()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var added = await program.RunHereAsync("adapters", "add", DemoAdapters);
        Assert.Equal(0, added.ExitCode);
        Assert.Contains("Registered adapter 'demo-neon' (", added.Output, StringComparison.Ordinal);

        string[] names = ["demo-neon", "demo-outline", "demo-pixel", "demo-striped"];
        var lines = (await program.RunHereAsync("adapters", "list")).Output.TrimEnd().Split('\n');
        Assert.Equal(["NAME", .. names], lines.Select(line => line.Split(' ')[0]));
        var json = (await program.RunHereAsync("adapters", "list", "--json")).Output.TrimEnd().Split('\n');
        Assert.Equal(names, json.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task An_adapter_registered_under_a_second_name_is_said_to_have_the_same_content()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var file = Path.Combine(DemoAdapters, "demo-neon.safetensors");
        await program.RunHereAsync("adapters", "add", file);
        var again = await program.RunHereAsync("adapters", "add", file, "--name", "glow");
        Assert.Equal(0, again.ExitCode);
        Assert.EndsWith("; the same content as 'demo-neon'\n", again.Output, StringComparison.Ordinal);
    }

    [Fact]
    [SuccessOf("adapters inspect")]
    public async Task An_adapter_file_is_described_without_being_registered()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var file = Path.Combine(DemoAdapters, "demo-outline.safetensors");
        var shown = await program.RunHereAsync("adapters", "inspect", file);
        Assert.Equal((0, ""), (shown.ExitCode, shown.Error));
        foreach (var line in new[] { $"path            {file}", "format          kohya", "algorithm       lora", "modules         " })
            Assert.Contains(line, shown.Output, StringComparison.Ordinal);
        var json = JsonDocument.Parse((await program.RunHereAsync("adapters", "inspect", file, "--json")).Output).RootElement;
        Assert.Equal("kohya", json.GetProperty("format").GetString());
        Assert.Empty(await database.Adapters.ListAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    [SuccessOf("models synth")]
    public async Task A_synthetic_model_has_the_published_dimensions()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var folder = Path.Combine(program.DataFolder, "synthetic");
        var written = await program.RunHereAsync("models", "synth", "--family", "sd15", "--out", folder);
        Assert.Equal((0, $"Wrote a synthetic sd15 model to '{folder}'; its images are noise\n"), (written.ExitCode, written.Output));
        // The UNet of SD 1.5 has 859,520,964 numbers of two bytes each; the file's header comes on top.
        var unet = new FileInfo(Path.Combine(folder, "unet", "diffusion_pytorch_model.safetensors"));
        Assert.InRange(unet.Length, 2L * 859_520_964, 2L * 859_520_964 + 1_000_000);
    }
}
