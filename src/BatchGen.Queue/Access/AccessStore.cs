using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Access;

/// <summary>People who may log in, and keys of the HTTP API. Passwords and keys come here hashed.</summary>
public sealed class AccessStore(QueueDatabase database)
{
    /// <summary>A person by name in any case, or null.</summary>
    public async Task<StoredAccount?> FindAccountAsync(string name, CancellationToken cancellationToken) =>
        (await database.QueryAsync<StoredAccount>("find_account", new { name }, cancellationToken)).SingleOrDefault();

    /// <summary>Everyone who may log in.</summary>
    public async Task<IReadOnlyList<StoredAccount>> ListAccountsAsync(CancellationToken cancellationToken) =>
        await database.QueryAsync<StoredAccount>("list_accounts", null, cancellationToken);

    /// <summary>Adds a person, or gives them a new password and role.</summary>
    public Task SaveAccountAsync(string name, string passwordHash, string role, CancellationToken cancellationToken) =>
        database.ExecuteAsync("upsert_account", new { name, password_hash = passwordHash, role }, cancellationToken);

    /// <summary>Takes a person's access away.</summary>
    /// <returns>False when there is no such person.</returns>
    public async Task<bool> DeleteAccountAsync(string name, CancellationToken cancellationToken) =>
        (await database.QueryAsync<string>("delete_account", new { name }, cancellationToken)).Count > 0;

    /// <summary>Adds a key.</summary>
    public Task AddKeyAsync(string name, byte[] sha256, string role, string? tenant, CancellationToken cancellationToken) => database.CommandAsync("insert_api_key",
    [
        Parameter("name", NpgsqlDbType.Text, name), Parameter("hash", NpgsqlDbType.Bytea, sha256), Parameter("role", NpgsqlDbType.Text, role), Parameter("tenant", NpgsqlDbType.Text, tenant),
    ], reader => Task.FromResult(reader.RecordsAffected), cancellationToken);

    /// <summary>The key with a hash, or null when there is none or it was revoked.</summary>
    public async Task<StoredKey?> FindKeyAsync(byte[] sha256, CancellationToken cancellationToken) =>
        (await database.QueryAsync<StoredKey>("find_api_key", new { hash = sha256 }, cancellationToken)).SingleOrDefault();

    /// <summary>All keys.</summary>
    public async Task<IReadOnlyList<StoredKey>> ListKeysAsync(CancellationToken cancellationToken) => await database.QueryAsync<StoredKey>("list_api_keys", null, cancellationToken);

    /// <summary>Ends a key.</summary>
    /// <returns>False when there is no such key in force.</returns>
    public async Task<bool> RevokeKeyAsync(string name, CancellationToken cancellationToken) =>
        (await database.QueryAsync<string>("revoke_api_key", new { name }, cancellationToken)).Count > 0;

    /// <summary>True when at least one person or key has access.</summary>
    public async Task<bool> AnyAsync(CancellationToken cancellationToken) =>
        (await database.QueryAsync<(long Accounts, long Keys)>("count_access", null, cancellationToken)).Single() is var count && count.Accounts + count.Keys > 0;

    /// <summary>Names of the tenants.</summary>
    public async Task<IReadOnlyList<string>> ListTenantsAsync(CancellationToken cancellationToken) =>
        (await database.QueryAsync<(string Name, float Weight, bool Paused)>("list_tenants", null, cancellationToken)).ConvertAll(row => row.Name);
}

/// <summary>A person who may log in.</summary>
public sealed class StoredAccount
{
    /// <summary>Name.</summary>
    public string Name { get; init; } = "";

    /// <summary>Hash of the password.</summary>
    public string PasswordHash { get; init; } = "";

    /// <summary>viewer or operator.</summary>
    public string Role { get; init; } = "";
}

/// <summary>A key of the HTTP API.</summary>
public sealed class StoredKey
{
    /// <summary>Name.</summary>
    public string Name { get; init; } = "";

    /// <summary>viewer, submitter or operator.</summary>
    public string Role { get; init; } = "";

    /// <summary>Whose jobs a submitter sees.</summary>
    public string? Tenant { get; init; }

    /// <summary>When it ended, or null.</summary>
    public DateTimeOffset? RevokedAt { get; init; }
}
