using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Assets;

/// <summary>Style sheet, script and icon, embedded and served under a name that changes with the content.</summary>
internal static class AssetFiles
{
    private static readonly FrozenDictionary<string, (byte[] Bytes, string Hash)> Files = Load();

    /// <summary>Address of a file.</summary>
    public static string Link(string name) => $"/assets/{Files[name].Hash}/{name}";

    /// <summary>Maps the files.</summary>
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/assets/{hash}/{name}", (HttpContext context, string hash, string name) =>
        {
            if (!Files.TryGetValue(name, out var file) || file.Hash != hash) return Results.NotFound();
            context.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
            return Results.Bytes(file.Bytes, Path.GetExtension(name) switch
            {
                ".css" => "text/css; charset=utf-8",
                ".js" => "text/javascript; charset=utf-8",
                _ => "image/svg+xml",
            });
        }).AllowAnonymous().ExcludeFromDescription();

    private static FrozenDictionary<string, (byte[], string)> Load()
    {
        const string prefix = "assets/";
        var assembly = typeof(AssetFiles).Assembly;
        return assembly.GetManifestResourceNames().Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
            .ToFrozenDictionary(name => name[prefix.Length..], name =>
            {
                using var stream = assembly.GetManifestResourceStream(name)!;
                var bytes = new byte[stream.Length];
                stream.ReadExactly(bytes);
                return (bytes, Convert.ToHexStringLower(SHA256.HashData(bytes))[..12]);
            }, StringComparer.Ordinal);
    }
}
