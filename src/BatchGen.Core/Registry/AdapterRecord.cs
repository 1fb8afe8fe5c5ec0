namespace BatchGen.Core.Registry;

/// <summary>An adapter file (or PEFT folder) as registered.</summary>
/// <param name="Name">Registered name.</param>
/// <param name="Path">Absolute path of the file or folder.</param>
/// <param name="Sha256">Lower-case hex SHA-256 of the weights file.</param>
/// <param name="SizeBytes">Length of the weights file.</param>
/// <param name="Format">How the file spells its keys, for example <c>kohya</c>, <c>peft</c>.</param>
/// <param name="Algorithm">How a delta is made, for example <c>lora</c>, <c>locon</c>, <c>lokr</c>.</param>
/// <param name="Family">Code of the model family it fits (<see cref="Families.ModelFamilies"/>), or empty when the file does not
/// say.</param>
/// <param name="MinRank">Smallest rank of its modules.</param>
/// <param name="MaxRank">Largest rank of its modules.</param>
/// <param name="ModuleCount">Number of modules it changes.</param>
/// <param name="TriggerWords">Words its author says call the style; may be empty.</param>
public sealed record AdapterRecord(
    string Name,
    string Path,
    string Sha256,
    long SizeBytes,
    string Format,
    string Algorithm,
    string Family,
    int MinRank,
    int MaxRank,
    int ModuleCount,
    IReadOnlyList<string> TriggerWords);
