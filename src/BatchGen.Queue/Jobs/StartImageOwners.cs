using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Jobs;

/// <summary>Which tenant sent which start image: jobs of other tenants may not name it.</summary>
public sealed class StartImageOwners(QueueDatabase database)
{
    /// <summary>Notes that a tenant sends an image; called before the image is written into the folder.</summary>
    /// <param name="name">Name of the image in the folder: its SHA-256 and extension.</param>
    /// <param name="sizeBytes">Length of the file.</param>
    /// <param name="tenant">Whose image; null means the caller's own tenant.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="SubmitRefusedException">The tenant would have more than its quota, or is not known.</exception>
    public Task KeepAsync(string name, long sizeBytes, string? tenant, CancellationToken cancellationToken) =>
        database.ListAsync<string>("keep_start_image",
        [
            Parameter("name", NpgsqlDbType.Text, name),
            Parameter("size_bytes", NpgsqlDbType.Bigint, sizeBytes),
            Parameter("quota_bytes", NpgsqlDbType.Bigint, database.Options.StartImageQuotaBytes),
            Parameter("tenant", NpgsqlDbType.Text, tenant),
        ], cancellationToken);

    /// <summary>Which of some start images a tenant sent: they were in the folder, so a machine without one lacks it.</summary>
    public Task<List<string>> ListKeptAsync(IReadOnlyList<string> names, CancellationToken cancellationToken) => database.ListAsync<string>(
        "list_kept_start_images", [Parameter("names", NpgsqlDbType.Array | NpgsqlDbType.Text, names.ToArray())], cancellationToken);
}
