namespace BatchGen.Composition;

/// <summary>The small model and its adapters that come with the project, and prompts that it can draw.</summary>
/// <param name="homeFolder">The checkout.</param>
internal sealed class DemoFiles(string homeFolder)
{
    /// <summary>Prompts of things the model was trained on.</summary>
    public static IReadOnlyList<string> Prompts { get; } =
    [
        "a big red circle on a blue background",
        "a yellow star on a purple background",
        "a green tree on a meadow",
        "a blue house in the snow",
        "a white moon at night",
        "a big purple heart on a green background",
    ];

    /// <summary>Folder of the model, in the layout of diffusers.</summary>
    public string ModelFolder { get; } = Path.Combine(homeFolder, "models", "demo");

    /// <summary>The adapter files, in the order of their names.</summary>
    public IReadOnlyList<string> Adapters =>
        [.. Directory.GetFiles(Path.Combine(homeFolder, "models", "demo-adapters"), "*.safetensors").Order(StringComparer.Ordinal)];

    /// <summary>Path of one adapter file.</summary>
    /// <param name="name">The file's name without its ending.</param>
    public string Adapter(string name) => Path.Combine(homeFolder, "models", "demo-adapters", name + ".safetensors");
}
