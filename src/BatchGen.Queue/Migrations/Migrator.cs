namespace BatchGen.Queue.Migrations;

/// <summary>Brings the schema to the version this program needs.</summary>
public sealed class Migrator(QueueDatabase database)
{
    /// <summary>Applies every migration not applied yet, in order, under an advisory lock; several programs may call it at once.</summary>
    /// <returns>Names of the migrations applied now.</returns>
    /// <exception cref="QueueException">The database is newer than this program, or a migration failed; nothing of that migration stays.</exception>
    public Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancellationToken) => throw new NotImplementedException(database.Options.Schema);
}
