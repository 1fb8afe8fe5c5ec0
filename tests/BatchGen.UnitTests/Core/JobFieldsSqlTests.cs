using BatchGen.Core.Families;
using BatchGen.Core.Jobs;
using BatchGen.Testing.JobFieldFiles;

namespace BatchGen.UnitTests.Core;

/// <summary>The SQL written for a family of models that has a field, bounds and a default of its own.</summary>
public sealed class JobFieldsSqlTests
{
    private static readonly JobField Shift = new()
    {
        Name = "shift", Label = "Shift", Type = JobFieldType.Number, Part = JobFieldPart.Recipe, Group = JobFieldGroup.Advanced,
        Help = "Shift of the schedule.", Default = "0", DefaultIsOff = true, Minimum = 0, Maximum = 10,
    };

    private static readonly string Sql = JobFieldsSql.Write([.. JobFields.All, Shift], [.. ModelFamilies.All, new FlowFamily()]);

    [Fact]
    public void A_field_of_one_family_is_refused_for_models_of_other_families()
    {
        Assert.Contains("if recipe ? 'shift' and of_model.family <> all(array['flow']) then", Sql, StringComparison.Ordinal);
        Assert.Contains("only models of flow have it", Sql, StringComparison.Ordinal);
        Assert.Contains("and not recipe ? 'shift'", Sql, StringComparison.Ordinal);
    }

    [Fact]
    public void A_default_of_one_family_is_filled_in_for_its_models_only() => Assert.Contains(
        "|| case when of_model.family = 'flow' then '{\"guidance_scale\":3.5}' else '{}' end::jsonb", Sql, StringComparison.Ordinal);

    [Fact]
    public void Bounds_of_one_family_are_checked_for_its_models_and_narrow_the_quick_check_of_all()
    {
        Assert.Contains(
            "if of_model.family = 'flow' and (recipe -> 'guidance_scale')::numeric not between 1 and 20 then", Sql,
            StringComparison.Ordinal);
        Assert.Contains("or number_fits(recipe -> 'guidance_scale', 1, 20))", Sql, StringComparison.Ordinal);
    }

    private sealed class FlowFamily : ModelFamily
    {
        public override string Code => "flow";

        public override string Title => "Flow";

        public override int NativeSizePixels => 1024;

        public override IReadOnlyList<BlockStrengthLayout> BlockStrengthLayouts => [];

        public override IReadOnlyList<string> OwnJobFields => ["shift"];

        public override IReadOnlyList<JobFieldRule> JobFieldRules => [new("guidance_scale", 1, 20, "3.5")];
    }
}
