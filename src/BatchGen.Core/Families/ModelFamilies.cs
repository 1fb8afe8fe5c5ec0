using BatchGen.Core.Families.StableDiffusion1;
using BatchGen.Core.Families.StableDiffusion2;
using BatchGen.Core.Families.StableDiffusionXl;

namespace BatchGen.Core.Families;

/// <summary>
/// Every family of models that this program knows; a new family is added here and in <c>BatchGen.Diffusion/Families/FamilyRenderings</c>.
/// </summary>
public static class ModelFamilies
{
    /// <summary>The families, in the order lists show them.</summary>
    public static IReadOnlyList<ModelFamily> All { get; } =
        [StableDiffusion1Family.Instance, StableDiffusion2Family.Instance, StableDiffusionXlFamily.Instance];

    /// <summary>
    /// The family with this code, or null: a newer program may have registered models of families that this one does not know.
    /// </summary>
    public static ModelFamily? Find(string code) => All.FirstOrDefault(family => family.Code == code);
}
