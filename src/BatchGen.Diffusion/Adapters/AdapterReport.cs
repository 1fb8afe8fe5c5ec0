using BatchGen.Core.Registry;

namespace BatchGen.Diffusion.Adapters;

/// <summary>The description of an adapter file.</summary>
/// <param name="Path">The file or folder.</param>
/// <param name="Sha256">Lower-case hex SHA-256 of the weights file.</param>
/// <param name="SizeBytes">Length of the weights file.</param>
/// <param name="Format">How it spells its keys: <c>kohya</c>, <c>kohya_sgm</c>, <c>peft</c>, <c>peft_folder</c>, <c>diffusers</c>,
/// <c>attn_procs</c>, <c>cloneofsimo</c>.</param>
/// <param name="Algorithm">How its deltas are made: <c>lora</c>, <c>locon</c>, <c>loha</c>, <c>lokr</c>, <c>dora</c>, <c>ia3</c>,
/// <c>full</c>, <c>norm</c>, <c>oft</c>, <c>boft</c>, <c>glora</c>; several joined by '+'.</param>
/// <param name="Family">Code of the model family (<see cref="BatchGen.Core.Families.ModelFamilies"/>), or empty when neither shapes nor
/// metadata say.</param>
/// <param name="ContextWidth">Width of the texts its cross-attention reads, which decides the family; 0 when no tensor shows it.</param>
/// <param name="MinRank">Smallest rank of its modules; 0 where the algorithm has none.</param>
/// <param name="MaxRank">Largest rank of its modules.</param>
/// <param name="ModulesByComponent">Number of modules it changes, by component; the empty name counts modules whose key does not
/// say.</param>
/// <param name="ElementTypes">Element types of its tensors, for example <c>F16</c>.</param>
/// <param name="TriggerWords">Words its author says call the style.</param>
/// <param name="Embeddings">Keys of bundled textual inversions.</param>
/// <param name="UnknownKeys">Keys that belong to no known adapter format.</param>
/// <param name="Warnings">Oddities of the file that are no errors.</param>
/// <param name="Metadata">The file's own metadata, unchanged.</param>
public sealed record AdapterReport(
    string Path,
    string Sha256,
    long SizeBytes,
    string Format,
    string Algorithm,
    string Family,
    long ContextWidth,
    int MinRank,
    int MaxRank,
    IReadOnlyDictionary<string, int> ModulesByComponent,
    IReadOnlyList<string> ElementTypes,
    IReadOnlyList<string> TriggerWords,
    IReadOnlyList<string> Embeddings,
    IReadOnlyList<string> UnknownKeys,
    IReadOnlyList<string> Warnings,
    IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>Number of modules it changes.</summary>
    public int ModuleCount => ModulesByComponent.Values.Sum();

    /// <summary>The registry entry for this file under a name.</summary>
    public AdapterRecord ToRecord(string name) => new(
        name, System.IO.Path.GetFullPath(Path), Sha256, SizeBytes, Format, Algorithm, Family, MinRank, MaxRank, ModuleCount, TriggerWords);
}
