using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using BatchGen.Core.Families;
using BatchGen.Core.Jobs;

namespace BatchGen.Testing.JobFieldFiles;

/// <summary>Writes the SQL that checks and normalises jobs, from the declaration of their fields.</summary>
public static class JobFieldsSql
{
    /// <summary>Path of the generated file, below the repository's root.</summary>
    public const string Path = "db/functions/submit/job_fields.sql";

    private const int MaxWidth = 140;

    /// <summary>Writes the text of the file.</summary>
    public static string Write(IReadOnlyList<JobField> fields, IReadOnlyList<ModelFamily> families)
    {
        var recipe = fields.Where(field => field.IsInRecipe).ToArray();
        var dispatch = fields.Where(field => field.Part == JobFieldPart.Dispatch).ToArray();
        return string.Join('\n',
        [
            "-- Written by the test JobFieldFilesTests from the declaration of job fields, src/BatchGen.Core/Jobs/JobFields.cs: change",
            "-- that, then run the test with BATCHGEN_WRITE_GENERATED=1. The functions beside this file use these.",
            "",
            Names("job_field_names", "The fields that a job object may have.", fields.Where(field => field.IsSetBy(JobFieldWays.Json))),
            Names("recipe_field_names", "The fields of a job object that make up its recipe.", recipe),
            .. fields.Where(field => field.Choices is not null).Select(ChoicesOf),
            BlockStrengthCounts(families),
            MaxAdapters(fields.Single(field => field.Type == JobFieldType.Adapters)),
            Defaults(recipe, families),
            Filled(recipe),
            IsPlain(recipe, families),
            CheckedRecipe(fields, recipe, families),
            .. dispatch.Where(field => field.Default is not null).Select(DefaultOf),
            IsPlainDispatch(dispatch),
            CheckedDispatch(dispatch),
        ]);
    }

    private static string Names(string name, string comment, IEnumerable<JobField> fields) => Function(
        $"{name}() returns text[]", "sql immutable parallel safe", comment,
        ["  select array[", .. Wrap(fields.Select(field => Literal(field.Name)), "    "), "  ]"]);

    private static string ChoicesOf(JobField field) => Function(
        $"{field.Name}_choices() returns text[]", "sql immutable parallel safe",
        $"The names that a job's {field.Name} may have, in the order they are listed in.",
        ["  select array[", .. Wrap(field.Choices!.Select(Literal), "    "), "  ]"]);

    private static string MaxAdapters(JobField field) => Function(
        "max_adapters() returns int", "sql immutable parallel safe", "The most adapters that a job may have.",
        $"  select {Number(field.Maximum)}");

    private static string BlockStrengthCounts(IReadOnlyList<ModelFamily> families) => Function(
        "block_strength_counts(model_family text) returns int[]", "sql immutable parallel safe",
        "How many block strengths an adapter for a family may have: one for each block of its network, or of every kind of network.",
        [
            "  select case model_family",
            .. families.Select(family => (family.Code, Counts: family.BlockStrengthLayouts.Select(layout => layout.Count).Order()))
                .Select(family => $"    when {Literal(family.Code)} then array[{string.Join(", ", family.Counts)}]"),
            "    else array[]::int[] end",
        ]);

    private static string Defaults(JobField[] recipe, IReadOnlyList<ModelFamily> families)
    {
        var constants = new JsonObject();
        foreach (var field in recipe)
            if (field is { Default: { } text, DefaultIsOff: false, Requires: null }) constants[field.Name] = JsonNode.Parse(text);
        var ofModel = recipe.Where(field => field.DefaultFromModel is not null)
            .Select(field => $"{Literal(field.Name)}, of_model.{field.DefaultFromModel}");
        // Stable, as what it calls is: only then the planner puts its text into the caller's.
        return Function("recipe_defaults(of_model models) returns jsonb", "sql stable parallel safe",
            "The values that a recipe for a model gets for fields that the job leaves out.",
            [
                $"  select {Literal(constants.ToJsonString())}::jsonb", $"    || jsonb_build_object({string.Join(", ", ofModel)})",
                .. families.Where(family => family.JobFieldRules.Any(rule => rule.Default is not null)).Select(DefaultsOfFamily),
            ]);
    }

    private static string DefaultsOfFamily(ModelFamily family)
    {
        var defaults = new JsonObject();
        foreach (var rule in family.JobFieldRules)
            if (rule.Default is { } text) defaults[rule.Field] = JsonNode.Parse(text);
        return $"    || case when of_model.family = {Literal(family.Code)} then {Literal(defaults.ToJsonString())} else '{{}}' end::jsonb";
    }

    private static string Filled(JobField[] recipe)
    {
        var seed = recipe.Single(field => field.Type == JobFieldType.Seed).Name;
        return Function("filled_recipe(recipe jsonb, defaults jsonb) returns jsonb", "sql volatile",
            "A recipe with defaults for the fields it leaves out. Seeds are drawn below 2^32, which other tools accept too.",
            "  select defaults || case", $"    when recipe ? {Literal(seed)} then recipe",
            $"    else recipe || jsonb_build_object({Literal(seed)}, floor(random() * 4294967296)::bigint)", "  end");
    }

    // Many recipes have only what differs from image to image, and one look shows that there is no other field to check.
    private static string IsPlain(JobField[] recipe, IReadOnlyList<ModelFamily> families)
    {
        var varying = recipe.Where(field => field.Group == JobFieldGroup.Prompt || field.Type == JobFieldType.Seed).ToArray();
        return Function(
            "recipe_is_plain(recipe jsonb) returns boolean", "sql immutable parallel safe",
            "True when checked_recipe would fill in nothing but defaults; false decides nothing. Cheap.",
            [
                "  select case",
                $"    when recipe - array[{string.Join(", ", varying.Select(field => Literal(field.Name)))}] = '{{}}' then true",
                "    else recipe - recipe_field_names() = '{}'",
                .. recipe.Except(varying).Select(field => "      and " + PlainRule(field, families)),
                "    end",
                .. varying.Select(field => "    and " + PlainRule(field, families)),
            ]);
    }

    private static string PlainRule(JobField field, IReadOnlyList<ModelFamily> families)
    {
        // Rules that look at other fields or at the model are left to checked_recipe.
        var isOwned = families.Any(family => family.OwnJobFields.Contains(field.Name));
        if (field.Type == JobFieldType.Image || field.Requires is not null || field.Samplers is not null || isOwned
            || field is { Type: JobFieldType.Choice, DefaultIsOff: true })
            return $"not recipe ? {Literal(field.Name)}";
        // A value that fits the family with the narrowest bounds fits all families.
        var rules = families.SelectMany(family => family.JobFieldRules).Where(rule => rule.Field == field.Name).ToArray();
        var least = Number(rules.Max(rule => rule.Minimum) ?? field.Minimum);
        var most = Number(rules.Min(rule => rule.Maximum) ?? field.Maximum);
        var value = $"recipe -> {Literal(field.Name)}";
        // Most recipes have few of the fields: whether a field is there is the cheapest question.
        return $"(not recipe ? {Literal(field.Name)} or " + field.Type switch
        {
            JobFieldType.Text => $"text_fits({value}, {least}, {most})",
            JobFieldType.Choice => $"choice_fits({value}, {field.Name}_choices())",
            JobFieldType.Whole when field.MultipleOf is { } step => $"multiple_fits({value}, {least}, {most}, {step})",
            JobFieldType.Whole or JobFieldType.Seed => $"whole_fits({value}, {least}, {most})",
            JobFieldType.Number when !field.MinimumExcluded => $"number_fits({value}, {least}, {most})",
            _ => throw new ArgumentOutOfRangeException(nameof(field), field.Type, "no rule for this type in a recipe"),
        } + (field is { DefaultIsOff: true, Default: { } off } ? $" and {value} <> '{off}'" : "") + ")";
    }

    private static string CheckedRecipe(
        IReadOnlyList<JobField> fields, JobField[] recipe, IReadOnlyList<ModelFamily> families)
    {
        var others = fields.Where(field => !field.IsInRecipe && field.IsSetBy(JobFieldWays.Json));
        var lines = new List<string>
        {
            "declare",
            "  recipe jsonb := job - array[",
        };
        lines.AddRange(Wrap(others.Select(field => Literal(field.Name)), "    "));
        lines.AddRange(["  ];", "begin", "  if not recipe_is_plain(recipe) then", "    recipe := jsonb_strip_nulls(jsonb_build_object("]);
        lines.AddRange(recipe.Select((field, place) =>
            $"      {Literal(field.Name)}, {Value(field)}{(place < recipe.Length - 1 ? "," : "));")}"));
        lines.AddRange(RulesBetweenFields(recipe, families).Select(line => "  " + line));
        lines.Add("  end if;");
        lines.Add("  recipe := filled_recipe(recipe, recipe_defaults(of_model));");
        foreach (var field in recipe.Where(field => field.DefaultFromModel is not null)) lines.AddRange(ModelDefaultRule(field));
        foreach (var field in recipe.Where(field => field.Samplers is not null)) lines.AddRange(SamplerRule(field));
        lines.Add("  return recipe;");
        lines.Add("end");
        return Function("checked_recipe(job jsonb, of_model models, place text) returns jsonb", "plpgsql volatile",
            "The recipe part of a job object: every field checked, in its canonical form, with the defaults filled in.", [.. lines]);
    }

    // What a field may be beside others, or for the family of the model.
    private static IEnumerable<string> RulesBetweenFields(JobField[] recipe, IReadOnlyList<ModelFamily> families)
    {
        foreach (var field in recipe.Where(field => field.Requires is not null))
            foreach (var line in RequiredRule(field)) yield return line;
        foreach (var field in recipe)
        {
            foreach (var line in OwnFieldRule(field, [.. families.Where(family => family.OwnJobFields.Contains(field.Name))]))
                yield return line;
            foreach (var family in families)
                foreach (var rule in family.JobFieldRules.Where(rule => rule.Field == field.Name))
                    foreach (var line in RangeRule(field, family, rule)) yield return line;
        }
    }

    private static IEnumerable<string> RequiredRule(JobField field)
    {
        yield return $"  if recipe ? {Literal(field.Name)} and not recipe ? {Literal(field.Requires!)} then";
        yield return $"    perform refuse(place, {Literal(field.Name)}, 'it needs a {field.Requires}, and the job has none; name one, "
            + $"or leave {field.Name} out.');";
        yield return "  end if;";
        if (field.Default is null) yield break;
        yield return $"  if recipe ? {Literal(field.Requires!)} and not recipe ? {Literal(field.Name)} then";
        var filledIn = new JsonObject { [field.Name] = JsonNode.Parse(field.Default) };
        yield return $"    recipe := recipe || {Literal(filledIn.ToJsonString())};";
        yield return "  end if;";
    }

    // A value of the job was checked before; one that came from the model was not.
    private static IEnumerable<string> ModelDefaultRule(JobField field)
    {
        var (name, least, most) = (Literal(field.Name), Number(field.Minimum), Number(field.Maximum));
        yield return $"  if not multiple_fits(recipe -> {name}, {least}, {most}, {field.MultipleOf}) then";
        yield return $"    perform refuse(place, {name},";
        yield return $"      format('the job leaves it out, and that of model ''%s'' is %s; give one from {least} to {most}, a multiple of "
            + $"{field.MultipleOf}.',";
        yield return $"        of_model.name, recipe ->> {name}));";
        yield return "  end if;";
    }

    // Refuses a field that only some families have for models of other families.
    private static IEnumerable<string> OwnFieldRule(JobField field, ModelFamily[] owners)
    {
        if (owners.Length == 0) yield break;
        var codes = string.Join(", ", owners.Select(family => family.Code));
        var literals = string.Join(", ", owners.Select(family => Literal(family.Code)));
        yield return $"  if recipe ? {Literal(field.Name)} and of_model.family <> all(array[{literals}]) then";
        yield return $"    perform refuse(place, {Literal(field.Name)}, format('only models of {codes} have it, and ''%s'' is %s; leave it "
            + "out.',";
        yield return "      of_model.name, of_model.family));";
        yield return "  end if;";
    }

    // Refuses a field for samplers that do not use it.
    private static IEnumerable<string> SamplerRule(JobField field)
    {
        var (names, sampler) = (field.Samplers!, Literal(JobFields.Sampler.Name));
        var allowed = string.Join(", ", names.Select(Literal));
        yield return $"  if recipe ? {Literal(field.Name)} and recipe ->> {sampler} <> all(array[{allowed}]) then";
        yield return $"    perform refuse(place, {Literal(field.Name)},";
        yield return $"      format('only the samplers {string.Join(", ", names)} use it, and the job''s is %s; leave it out.',";
        yield return $"        recipe ->> {sampler}));";
        yield return "  end if;";
    }

    // Refuses values outside of the bounds of one family, which are narrower than those of all families.
    private static IEnumerable<string> RangeRule(JobField field, ModelFamily family, JobFieldRule rule)
    {
        var (least, most) = (Number(rule.Minimum ?? field.Minimum), Number(rule.Maximum ?? field.Maximum));
        yield return $"  if of_model.family = {Literal(family.Code)} "
            + $"and (recipe -> {Literal(field.Name)})::numeric not between {least} and {most} then";
        yield return $"    perform refuse(place, {Literal(field.Name)}, "
            + $"format('expected {least} to {most} for {family.Code} models such as ''%s'', got %s.',";
        yield return $"      of_model.name, recipe ->> {Literal(field.Name)}));";
        yield return "  end if;";
    }

    private static string DefaultOf(JobField field) => Function(
        $"default_{field.Name}() returns {ColumnType(field)}", "sql immutable parallel safe", $"The {field.Name} of a job that names none.",
        $"  select {field.Default}::{ColumnType(field)}");

    private static string IsPlainDispatch(JobField[] dispatch) => Function(
        "dispatch_is_plain(staged staged_jobs) returns boolean", "sql stable parallel safe",
        "True when checked_dispatch would refuse nothing of a staged row; false decides nothing.",
        [.. dispatch.Select((field, place) => $"  {(place == 0 ? "select" : "  and")} ({PlainDispatchRule(field)})")]);

    private static string PlainDispatchRule(JobField field)
    {
        var column = "staged." + field.Name;
        var (least, most) = (Number(field.Minimum), Number(field.Maximum));
        return field.Type switch
        {
            JobFieldType.Text => $"{column} is null or char_length({column}) between {least} and {most}",
            JobFieldType.Whole => $"{column} is null or {column} between {least} and {most}",
            JobFieldType.Instant => $"{column} is null or instant_fits({column})",
            JobFieldType.Words => $"{column} is null or words_are_plain({column}, {most}, {field.MaxWordLength})",
            _ => throw new ArgumentOutOfRangeException(nameof(field), field.Type, "no rule for this type of dispatch field"),
        };
    }

    private static string CheckedDispatch(JobField[] dispatch) => Function(
        "checked_dispatch(job jsonb, place text) returns checked_job", "plpgsql stable",
        "The part of a job object that dispatch, search and limits use: every field checked, with the defaults filled in.",
        [
            "declare", "  checked checked_job;", "begin",
            .. dispatch.Where(field => field.Default is not null)
                .Select(field => $"  checked.{field.Name} := default_{field.Name}();"),
            // Most jobs have none of these fields, which is cheaper to see at once.
            "  if job ?| array[",
            .. Wrap(dispatch.Select(field => Literal(field.Name)), "    "),
            "  ] then",
            .. dispatch.Select(field => $"    checked.{field.Name} := {ValueOrDefault(field)};"),
            "  end if;", "  return checked;", "end",
        ]);

    private static string ValueOrDefault(JobField field) =>
        field.Default is null ? Value(field) : $"coalesce({Value(field)}, default_{field.Name}())";

    // The expression that reads and checks a field of a job object; null where the job leaves it out.
    private static string Value(JobField field)
    {
        var name = Literal(field.Name);
        var (least, most) = (Number(field.Minimum), Number(field.Maximum));
        var value = field.Type switch
        {
            JobFieldType.Text => $"json_text(job, {name}, place, {least}, {most})",
            JobFieldType.Choice => $"json_choice(job, {name}, place, {field.Name}_choices())",
            JobFieldType.Whole or JobFieldType.Seed =>
                $"json_whole(job, {name}, place, {least}, {most}{(field.MultipleOf is { } step ? $", {step}" : "")})",
            JobFieldType.Number =>
                $"json_number(job, {name}, place, {least}, {most}{(field.MinimumExcluded ? ", true" : "")})",
            JobFieldType.Instant => $"json_instant(job, {name}, place)",
            JobFieldType.Words => $"json_words(job, {name}, place, {most}, {field.MaxWordLength})",
            JobFieldType.Image => $"json_start_image(job, {name}, place, {most})",
            _ => throw new ArgumentOutOfRangeException(nameof(field), field.Type, "no check for this type"),
        };
        return field is { DefaultIsOff: true, Default: { } off } ? $"nullif({value}, {SqlOf(off)})" : value;
    }

    // A JSON text or number as SQL.
    private static string SqlOf(string json) => json[0] == '"' ? Literal(json[1..^1]) : json;

    private static string ColumnType(JobField field) => field.Type == JobFieldType.Whole ? "int" : "text";

    private static string Function(string head, string language, string comment, params string[] body)
    {
        var name = head[..head.IndexOf('(', StringComparison.Ordinal)];
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"create or replace function {head}\nlanguage {language} as $$\n");
        foreach (var line in body) text.Append(line).Append('\n');
        return text.Append(CultureInfo.InvariantCulture, $"$$;\ncomment on function {name} is\n  {Literal(comment)};\n").ToString();
    }

    private static IEnumerable<string> Wrap(IEnumerable<string> items, string indent)
    {
        var line = new StringBuilder(indent);
        var first = true;
        foreach (var item in items)
        {
            if (!first) line.Append(',');
            if (line.Length + item.Length + 2 > MaxWidth)
            {
                yield return line.ToString();
                line.Clear().Append(indent);
            }
            else if (!first)
            {
                line.Append(' ');
            }

            line.Append(item);
            first = false;
        }

        yield return line.ToString();
    }

    private static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    private static string Number(decimal? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "null";
}
