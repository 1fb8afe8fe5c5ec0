using System.Globalization;
using System.Text;
using BatchGen.Core.Families;
using BatchGen.Core.Jobs;

namespace BatchGen.Testing.JobFieldFiles;

/// <summary>Writes the table of job fields in <c>docs/sql-api.md</c>, from their declaration.</summary>
public static class JobFieldsTable
{
    /// <summary>Path of the document with the table, below the repository's root.</summary>
    public const string Path = "docs/sql-api.md";

    private const string Begin =
        "<!-- job fields: written by JobFieldFilesTests from src/BatchGen.Core/Jobs/JobFields.cs -->\n";
    private const string End = "<!-- end of job fields -->\n";

    /// <summary>A document with the table written anew between its two marks.</summary>
    /// <exception cref="InvalidDataException">The document has no such marks.</exception>
    public static string WriteInto(string document, IReadOnlyList<JobField> fields)
    {
        var begin = document.IndexOf(Begin, StringComparison.Ordinal);
        var end = document.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin) throw new InvalidDataException($"{Path} lacks the marks of the table of job fields.");
        return string.Concat(document.AsSpan(0, begin + Begin.Length), Write(fields), document.AsSpan(end));
    }

    private static string Write(IReadOnlyList<JobField> fields)
    {
        var text = new StringBuilder("\n| field | type | default | meaning and rule |\n| --- | --- | --- | --- |\n");
        foreach (var field in fields.Where(field => field.IsSetBy(JobFieldWays.Json)))
        {
            var rule = field.Limits is { } limits ? $" {char.ToUpperInvariant(limits[0])}{limits[1..]}." : "";
            if (field.Samplers is { } samplers) rule += $" Only with {string.Join(", ", samplers.Select(name => $"`{name}`"))}.";
            foreach (var family in ModelFamilies.All) rule += RuleOf(family, field);
            text.Append(
                CultureInfo.InvariantCulture, $"| `{field.Name}` | {TypeOf(field)} | {Code(field)} | {Escape(field.Help)}{rule} |\n");
        }

        return text.Append('\n').ToString();
    }

    private static string RuleOf(ModelFamily family, JobField field) => string.Concat(
        family.OwnJobFields.Contains(field.Name) ? $" Only for {family.Code} models." : "",
        string.Concat(family.JobFieldRules.Where(rule => rule.Field == field.Name).Select(rule => BoundsOf(family, field, rule))));

    private static string BoundsOf(ModelFamily family, JobField field, JobFieldRule rule)
    {
        var ownDefault = rule.Default is { } text ? $", default `{text}`" : "";
        return string.Create(CultureInfo.InvariantCulture,
            $" For {family.Code} models {rule.Minimum ?? field.Minimum} to {rule.Maximum ?? field.Maximum}{ownDefault}.");
    }

    private static string Code(JobField field) =>
        field is { DefaultInWords: null, Default: not null } ? $"`{field.DefaultText}`" : field.DefaultText ?? "none";

    private static string Escape(string text) =>
        text.Replace("<", "`<", StringComparison.Ordinal).Replace(">", ">`", StringComparison.Ordinal);

    private static string TypeOf(JobField field) => field.Type switch
    {
        JobFieldType.Text or JobFieldType.Choice or JobFieldType.Image => "text",
        JobFieldType.Whole => "whole number",
        JobFieldType.Seed => "whole number of 64 bits, signed",
        JobFieldType.Number => "number",
        JobFieldType.Instant => "instant",
        JobFieldType.Words => "list of text",
        JobFieldType.Adapters => "list or text",
        _ => throw new ArgumentOutOfRangeException(nameof(field), field.Type, "no such type in a job object"),
    };
}
