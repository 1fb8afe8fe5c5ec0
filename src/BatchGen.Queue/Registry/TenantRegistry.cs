namespace BatchGen.Queue.Registry;

/// <summary>The tenants jobs may belong to.</summary>
public sealed class TenantRegistry(QueueDatabase database)
{
    /// <summary>Names of all tenants, by name.</summary>
    public async Task<IReadOnlyList<string>> ListNamesAsync(CancellationToken cancellationToken) =>
        (await database.QueryAsync<TenantRow>("list_tenants", null, cancellationToken)).ConvertAll(row => row.Name);

    /// <summary>Pauses or resumes a tenant; jobs of a paused tenant are not claimed.</summary>
    /// <returns>False when there is no such tenant.</returns>
    public async Task<bool> PauseAsync(string name, bool paused, CancellationToken cancellationToken) =>
        (await database.QueryAsync<string>("pause_tenant", new { name, paused }, cancellationToken)).Count > 0;

    private sealed record TenantRow(string Name, float Weight, bool Paused);
}
