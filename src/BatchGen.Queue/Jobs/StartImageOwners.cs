using BatchGen.Queue.Sql;
using Npgsql;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Jobs;

/// <summary>Which tenant sent which start image: jobs of other tenants may not name it.</summary>
public sealed class StartImageOwners(QueueDatabase database)
{
    /// <summary>Notes that a tenant sends an image that is in the folder.</summary>
    /// <param name="name">Name of the image in the folder: its SHA-256 and extension.</param>
    /// <param name="sizeBytes">Length of the file.</param>
    /// <param name="tenant">Whose image; null means the caller's own tenant.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="SubmitRefusedException">The tenant would have more than its quota, or is not known.</exception>
    public Task KeepAsync(string name, long sizeBytes, string? tenant, CancellationToken cancellationToken) =>
        KeepAsync(name, sizeBytes, tenant, static () => { }, cancellationToken);

    /// <summary>Notes that a tenant sends an image, and writes it into the folder; nothing is noted when it cannot be written.</summary>
    /// <param name="name">Name of the image in the folder: its SHA-256 and extension.</param>
    /// <param name="sizeBytes">Length of the file.</param>
    /// <param name="tenant">Whose image; null means the caller's own tenant.</param>
    /// <param name="write">Writes the file; its exception is passed on.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="SubmitRefusedException">The tenant would have more than its quota, or is not known.</exception>
    public Task KeepAsync(string name, long sizeBytes, string? tenant, Action write, CancellationToken cancellationToken) =>
        LockWait.RunAsync("this start image or another one of its tenant", () => database.RunAsync(async connection =>
        {
            // Written before the commit, so that a failure gives the quota back.
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using var command = new NpgsqlCommand(SqlFiles.Query("keep_start_image"), connection, transaction);
            command.Parameters.Add(Parameter("name", NpgsqlDbType.Text, name));
            command.Parameters.Add(Parameter("size_bytes", NpgsqlDbType.Bigint, sizeBytes));
            command.Parameters.Add(Parameter("quota_bytes", NpgsqlDbType.Bigint, database.Options.StartImageQuotaBytes));
            command.Parameters.Add(Parameter("tenant", NpgsqlDbType.Text, tenant));
            command.Parameters.Add(LockWait.Parameter());
            await command.ExecuteNonQueryAsync(cancellationToken);
            write();
            await transaction.CommitAsync(cancellationToken);
            return true;
        }, cancellationToken));

    /// <summary>Which of some start images a tenant sent: they were in the folder, so a machine without one lacks it.</summary>
    public Task<List<string>> ListKeptAsync(IReadOnlyList<string> names, CancellationToken cancellationToken) => database.ListAsync<string>(
        "list_kept_start_images", [Parameter("names", NpgsqlDbType.Array | NpgsqlDbType.Text, names.ToArray())], cancellationToken);
}
