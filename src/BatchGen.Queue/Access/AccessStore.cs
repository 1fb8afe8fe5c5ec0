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

    /// <summary>Removes a person, who can then no longer log in.</summary>
    /// <returns>False when there is no such person.</returns>
    public async Task<bool> DeleteAccountAsync(string name, CancellationToken cancellationToken) =>
        (await database.QueryAsync<string>("delete_account", new { name }, cancellationToken)).Count > 0;

    /// <summary>Adds a login of a person, and removes those that have lasted too long.</summary>
    /// <param name="sha256">SHA-256 of what the login's cookie holds.</param>
    /// <param name="name">The person.</param>
    /// <param name="lifetime">How long a login lasts at most.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public Task AddSessionAsync(byte[] sha256, string name, TimeSpan lifetime, CancellationToken cancellationToken) =>
        database.ExecuteAsync("insert_login_session", new { hash = sha256, name, lifetime }, cancellationToken);

    /// <summary>The person of a login, or null when it was ended, has lasted too long, or the person was removed.</summary>
    /// <param name="sha256">SHA-256 of what the login's cookie holds.</param>
    /// <param name="lifetime">How long a login lasts at most.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async Task<StoredAccount?> FindSessionAsync(byte[] sha256, TimeSpan lifetime, CancellationToken cancellationToken) =>
        (await database.QueryAsync<StoredAccount>("find_login_session", new { hash = sha256, lifetime }, cancellationToken))
            .SingleOrDefault();

    /// <summary>Ends a login; nothing happens when it has ended already.</summary>
    /// <param name="sha256">SHA-256 of what the login's cookie holds.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public Task EndSessionAsync(byte[] sha256, CancellationToken cancellationToken) =>
        database.ExecuteAsync("delete_login_session", new { hash = sha256 }, cancellationToken);

    /// <summary>Adds a key of the HTTP API.</summary>
    /// <param name="name">What people call the key.</param>
    /// <param name="sha256">SHA-256 of the key.</param>
    /// <param name="role">viewer, submitter or operator.</param>
    /// <param name="tenant">Tenant whose jobs a submitter sees; null for other roles.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public Task AddKeyAsync(string name, byte[] sha256, string role, string? tenant, CancellationToken cancellationToken) =>
        database.CommandAsync("insert_api_key",
        [
            Parameter("name", NpgsqlDbType.Text, name), Parameter("hash", NpgsqlDbType.Bytea, sha256),
            Parameter("role", NpgsqlDbType.Text, role), Parameter("tenant", NpgsqlDbType.Text, tenant),
        ], reader => Task.FromResult(reader.RecordsAffected), cancellationToken);

    /// <summary>The key with a hash, or null when there is none or it was revoked.</summary>
    public async Task<StoredKey?> FindKeyAsync(byte[] sha256, CancellationToken cancellationToken) =>
        (await database.QueryAsync<StoredKey>("find_api_key", new { hash = sha256 }, cancellationToken)).SingleOrDefault();

    /// <summary>All keys, revoked ones too.</summary>
    public async Task<IReadOnlyList<StoredKey>> ListKeysAsync(CancellationToken cancellationToken) =>
        await database.QueryAsync<StoredKey>("list_api_keys", null, cancellationToken);

    /// <summary>Revokes a key.</summary>
    /// <returns>False when there is no such key in force.</returns>
    public async Task<bool> RevokeKeyAsync(string name, CancellationToken cancellationToken) =>
        (await database.QueryAsync<string>("revoke_api_key", new { name }, cancellationToken)).Count > 0;

    /// <summary>True when at least one person or key has access.</summary>
    public async Task<bool> AnyAsync(CancellationToken cancellationToken) =>
        (await database.QueryAsync<AccessCount>("count_access", null, cancellationToken)).Single() is not { Accounts: 0, Keys: 0 };

    private sealed record AccessCount(long Accounts, long Keys);
}

/// <summary>A person who may log in.</summary>
public sealed class StoredAccount
{
    /// <summary>Name, as first spelled.</summary>
    public string Name { get; init; } = "";

    /// <summary>Hash of the password.</summary>
    public string PasswordHash { get; init; } = "";

    /// <summary>Role: <c>viewer</c> or <c>operator</c>.</summary>
    public string Role { get; init; } = "";
}

/// <summary>A key of the HTTP API.</summary>
public sealed class StoredKey
{
    /// <summary>Name, as first spelled.</summary>
    public string Name { get; init; } = "";

    /// <summary>Role: <c>viewer</c>, <c>submitter</c> or <c>operator</c>.</summary>
    public string Role { get; init; } = "";

    /// <summary>Tenant whose jobs a submitter sees; null for other roles.</summary>
    public string? Tenant { get; init; }

    /// <summary>When the key was revoked, or null while it is in force.</summary>
    public DateTimeOffset? RevokedAt { get; init; }
}
