namespace BatchGen.Core.Registry;

/// <summary>A base model as registered.</summary>
/// <param name="Name">Registered name.</param>
/// <param name="Path">Absolute folder (diffusers layout) or file (single-file checkpoint).</param>
/// <param name="Family">Code of its family (<see cref="Families.ModelFamilies"/>).</param>
/// <param name="Sha256">Lower-case hex SHA-256 over the sorted list of <c>relative path, file SHA-256</c> of the master files, and
/// <paramref name="Prediction"/> where it is said.</param>
/// <param name="Files">The master files: path relative to <paramref name="Path"/>, size and SHA-256 of each.</param>
/// <param name="NativeWidthPixels">Width a job gets when it names none.</param>
/// <param name="NativeHeightPixels">Height a job gets when it names none.</param>
/// <param name="Prediction">What the network predicts, where that was said at registration: <c>epsilon</c> or <c>v_prediction</c>; null
/// leaves it to the files.</param>
public sealed record ModelRecord(
    string Name, string Path, string Family, string Sha256, IReadOnlyList<MasterFile> Files, int NativeWidthPixels = 512,
    int NativeHeightPixels = 512, string? Prediction = null);

/// <summary>One file of a registered model.</summary>
/// <param name="RelativePath">Path below the model's folder, with '/'; empty for a single-file checkpoint.</param>
/// <param name="SizeBytes">Length of the file.</param>
/// <param name="Sha256">Lower-case hex SHA-256 of its bytes.</param>
public sealed record MasterFile(string RelativePath, long SizeBytes, string Sha256);
