using BatchGen.Core.Adapters;

namespace BatchGen.Queue.Registry;

/// <summary>Checks names before they are registered.</summary>
internal static class RegistryNames
{
    /// <summary>Refuses a name that jobs could not write.</summary>
    /// <param name="name">The name.</param>
    /// <param name="what">What is named, for the message: <c>model</c> or <c>adapter</c>.</param>
    public static void Check(string name, string what)
    {
        if (!RegisteredName.IsValid(name)) throw new QueueException($"'{name}' is not a {what} name. {RegisteredName.Rule}");
    }
}

/// <summary>What a name stands for after a registration.</summary>
/// <param name="Name">The name as first spelled.</param>
/// <param name="Sha256">SHA-256 of the registered content; another one than offered when the name was taken.</param>
internal sealed record RegisteredContent(string Name, string Sha256)
{
    private const int DigitsShown = 12;

    /// <summary>Refuses a registration whose name stands for other content.</summary>
    /// <param name="offered">SHA-256 of the content that was to be registered.</param>
    /// <param name="what">What is named, at the start of the message: <c>Model</c> or <c>Adapter</c>.</param>
    public void ThrowUnlessSha256Is(string offered, string what)
    {
        if (Sha256 == offered) return;
        throw new QueueException($"{what} '{Name}' is registered with other content (SHA-256 {Start(Sha256)}, offered {Start(offered)}). "
            + "Choose another name, or replace it with --replace.");
    }

    private static string Start(string digest) => digest.Length > DigitsShown ? digest[..DigitsShown] + "..." : digest;
}
