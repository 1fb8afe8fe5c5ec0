using BatchGen.Queue.Sql;
using Npgsql;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Upkeep;

/// <summary>Removes start images that tenants sent and that no job, staged row or schedule names any more, which frees the quota that they
/// took.</summary>
/// <remarks>What people put into the folder by hand has no row in the database, and is never touched. A file goes before its row is
/// committed as deleted: when the program ends in between, the next run deletes the row.</remarks>
public sealed class StartImageSweep(QueueDatabase database)
{
    /// <summary>Removes images in groups, each in one transaction, until there are no more.</summary>
    /// <param name="folder">The folder of start images; where it is not there, nothing is removed, since another machine has it.</param>
    /// <param name="grace">How long ago an image must have been sent last.</param>
    /// <param name="cancellationToken">Stops between two groups.</param>
    /// <returns>Images removed.</returns>
    public async Task<int> SweepAsync(string folder, TimeSpan grace, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var removed = 0;
        while (Directory.Exists(folder))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var group = await database.RunAsync(
                connection => SweepGroupAsync(connection, folder, grace, cancellationToken), cancellationToken);
            removed += group;
            // Images whose files cannot be removed are found again, and left to the next run.
            if (group == 0) break;
        }

        return removed;
    }

    private static async Task<int> SweepGroupAsync(
        NpgsqlConnection connection, string folder, TimeSpan grace, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var find = new NpgsqlCommand(SqlFiles.Query("lock_unnamed_start_images"), connection, transaction);
        // All recipes are read, which takes as long as it takes.
        find.CommandTimeout = 0;
        find.Parameters.Add(Parameter("older_than", NpgsqlDbType.Interval, grace));
        List<string> names;
        await using (var reader = await find.ExecuteReaderAsync(cancellationToken))
            names = await ReadListAsync<string>(reader, cancellationToken);
        var gone = names.Where(name => IsRemoved(Path.Combine(folder, name))).ToArray();
        await using var delete = new NpgsqlCommand(SqlFiles.Query("delete_start_images"), connection, transaction);
        delete.Parameters.Add(Parameter("names", NpgsqlDbType.Array | NpgsqlDbType.Text, gone));
        if (gone.Length > 0) await delete.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return gone.Length;
    }

    // Also where there is no such file.
    private static bool IsRemoved(string file)
    {
        try
        {
            File.Delete(file);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
