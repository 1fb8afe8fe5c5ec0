using BatchGen.Core.Adapters;
using Npgsql;

namespace BatchGen.Queue.Registry;

/// <summary>What both registries do with names.</summary>
internal static class RegistryNames
{
    public static void Check(string name, string what)
    {
        if (!RegisteredName.IsValid(name)) throw new QueueException($"'{name}' is not a {what} name. {RegisteredName.Rule}");
    }

    public static async Task<(string Name, string Sha256)> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        await reader.ReadAsync(cancellationToken);
        return (reader.GetString(0), reader.GetString(1));
    }

    public static QueueException Taken(string what, string name, string registered, string offered) => new(
        $"{what} '{name}' is registered with other content (SHA-256 {Start(registered)}, offered {Start(offered)}). Choose another name, or replace it with --replace.");

    private static string Start(string digest) => digest.Length > 12 ? digest[..12] + "..." : digest;
}
