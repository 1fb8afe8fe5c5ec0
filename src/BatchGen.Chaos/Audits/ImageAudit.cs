using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using BatchGen.Core.Imaging;
using BatchGen.Imaging;
using BatchGen.Imaging.Recipes;
using static System.FormattableString;

namespace BatchGen.Chaos.Audits;

/// <summary>Looks at what was submitted, what the queue says of it, and the files.</summary>
/// <param name="submitted">What was submitted, by idempotency key.</param>
/// <param name="jobs">What the queue says.</param>
/// <param name="digests">Digests of registered models and adapters, by name.</param>
/// <param name="folder">The image folder.</param>
internal sealed class ImageAudit(
    IReadOnlyDictionary<string, JsonObject> submitted, IReadOnlyList<JobRow> jobs, IReadOnlyDictionary<string, string> digests,
    string folder)
{
    // Fields of a job that decide when it runs and not what it looks like.
    private static readonly HashSet<string> NotInRecipe = new(
        ["adapters", "campaign", "idempotency_key", "max_attempts", "run_at", "priority"], StringComparer.Ordinal);

    /// <summary>Runs every check.</summary>
    public IReadOnlyList<AuditLine> Run()
    {
        var images = jobs.Where(job => job.Path is not null).ToArray();
        return
        [
            new("Every submitted job is there, once", submitted.Count, [.. FindLostJobs()]),
            new("The file of every image is there, as long as recorded and with the recorded SHA-256", images.Length,
                [.. images.SelectMany(FindFileProblems)]),
            new("Every image can be decoded, and holds the recorded recipe", images.Length, [.. images.SelectMany(FindContentProblems)]),
            new("The recipe of every image is what was submitted", images.Length, [.. images.SelectMany(FindRecipeProblems)]),
            new("Nothing but recorded images is in the folder", images.Length, [.. FindOtherFiles()]),
        ];
    }

    /// <summary>Files that no row of the queue names.</summary>
    public IEnumerable<string> FindOtherFiles()
    {
        var recorded = jobs.Select(job => job.Path).OfType<string>().ToHashSet(StringComparer.Ordinal);
        return Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file)).Where(file => !recorded.Contains(file));
    }

    private IEnumerable<string> FindLostJobs()
    {
        var there = jobs.GroupBy(job => job.Key ?? "").ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal);
        foreach (var key in submitted.Keys.Where(key => there.GetValueOrDefault(key) != 1))
            yield return $"{key} is there {there.GetValueOrDefault(key)} times";
        foreach (var key in there.Keys.Where(key => !submitted.ContainsKey(key))) yield return $"{key} was never submitted";
    }

    private IEnumerable<string> FindFileProblems(JobRow job)
    {
        var file = Path.Combine(folder, job.Path!);
        if (!File.Exists(file))
        {
            yield return $"job {job.Id}: {job.Path} is not there";
            yield break;
        }

        var bytes = File.ReadAllBytes(file);
        if (bytes.LongLength != job.SizeBytes) yield return $"job {job.Id}: {bytes.LongLength} bytes, recorded {job.SizeBytes}";
        if (Convert.ToHexStringLower(SHA256.HashData(bytes)) != job.Sha256) yield return $"job {job.Id}: another SHA-256 than recorded";
    }

    private IEnumerable<string> FindContentProblems(JobRow job)
    {
        var file = Path.Combine(folder, job.Path!);
        if (!File.Exists(file)) return [];
        try
        {
            var bytes = File.ReadAllBytes(file);
            var pixels = ImageEncoder.Decode(bytes);
            var inside = JsonNode.Parse(ImageRecipeJson.Write(RecipeReader.Parse(bytes, job.Path!)));
            if ((pixels.WidthPixels, pixels.HeightPixels) != (job.WidthPixels, job.HeightPixels))
                return [$"job {job.Id}: {pixels.WidthPixels} x {pixels.HeightPixels} pixels"];
            if (JsonNode.DeepEquals(inside, JsonNode.Parse(job.Recipe!))) return [];
            return [$"job {job.Id}: another recipe inside: {inside?.ToJsonString()}"];
        }
        catch (Exception damage) when (damage is InvalidDataException or RecipeException or IOException or JsonException)
        {
            return [$"job {job.Id}: {damage.Message}"];
        }
    }

    private IEnumerable<string> FindRecipeProblems(JobRow job)
    {
        if (job.Key is null || !submitted.TryGetValue(job.Key, out var asked)) return [];
        try
        {
            return [.. FindDifferences(job, asked, ImageRecipeJson.Read(job.Recipe!))];
        }
        catch (JsonException damage)
        {
            return [$"job {job.Id}: {damage.Message}"];
        }
    }

    private IEnumerable<string> FindDifferences(JobRow job, JsonObject asked, ImageRecipe recipe)
    {
        foreach (var (field, value) in asked.Where(field => !NotInRecipe.Contains(field.Key)))
        {
            if (TextOf(value) != TextOf(recipe.Fields[field]))
                yield return $"job {job.Id}: {field} is {recipe.Fields[field]}, asked for {value}";
        }

        if (recipe.Signature != job.Signature || recipe.JobId != job.Id)
            yield return $"job {job.Id}: drawn as job {recipe.JobId}, {recipe.Signature}";
        if (recipe.ModelSha256 != digests.GetValueOrDefault("demo")) yield return $"job {job.Id}: drawn with another model";
        var used = recipe.Adapters.Select(adapter => Invariant($"{adapter.Name}@{adapter.Strength}"));
        var wanted = ((string)asked["adapters"]!).Split('+', StringSplitOptions.RemoveEmptyEntries);
        if (!used.Order(StringComparer.Ordinal).SequenceEqual(wanted.Order(StringComparer.Ordinal)))
            yield return $"job {job.Id}: drawn with {string.Join(", ", used)}, asked for {string.Join(", ", wanted)}";
        foreach (var adapter in recipe.Adapters.Where(adapter => adapter.Sha256 != digests.GetValueOrDefault(adapter.Name)))
            yield return $"job {job.Id}: drawn with another file of {adapter.Name}";
    }

    // 5 and 5.0 are the same number.
    private static string TextOf(JsonNode? value) => value?.GetValueKind() == JsonValueKind.Number
        ? Invariant($"{decimal.Parse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture):0.########}")
        : value?.ToString() ?? "";
}
