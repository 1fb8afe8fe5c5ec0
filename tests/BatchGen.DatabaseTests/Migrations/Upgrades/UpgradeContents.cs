using BatchGen.Testing;

namespace BatchGen.DatabaseTests.Migrations.Upgrades;

/// <summary>Facts about a database that an upgrade must not change.</summary>
internal static class UpgradeContents
{
    // By fact: a statement that gives it as text. A digest stands for every row, in order.
    private static readonly Dictionary<string, string> Facts = new(StringComparer.Ordinal)
    {
        ["jobs by state"] = "select string_agg(state || ' ' || n, ', ' order by state) from (select state, count(*) "
            + "as n from jobs group by state) s",
        ["counted jobs"] = """
            select string_agg(state || ' ' || n, ', ' order by state) from (
              select state, sum(n) as n from (
                select state, count as n from job_counts union all select state, change from job_count_changes) c
              group by state) s
            """,
        ["jobs"] = Digest(
            "concat_ws('|', id, group_id, campaign_id, state, signature, attempts, max_attempts, batch_id, run_at at time zone 'utc')",
            "jobs", "id"),
        ["recipes"] = Digest("concat_ws('|', job_id, tenant_id, campaign_id, tags, recipe)", "job_recipes", "job_id"),
        ["attempts"] = Digest("concat_ws('|', job_id, attempt, counted, code, message)", "job_attempts", "id"),
        ["images"] = Digest("concat_ws('|', job_id, path, encode(sha256, 'hex'), size_bytes, seed, recipe)", "images", "job_id"),
        ["verified images"] = "select count(*)::text from results where verified_at is not null",
        ["archived jobs"] = Digest("concat_ws('|', job_id, state, signature, job)", "archived_jobs", "job_id"),
        ["checkpoints"] = Digest(
            "concat_ws('|', id, verdict, expected_digest, actual_digest, images_verified)", "weight_checkpoints", "id"),
        ["canaries"] = Digest("concat_ws('|', id, verdict, digest, encode(image, 'hex'))", "canaries", "id"),
        ["accounts"] = Digest("concat_ws('|', name, password_hash, role)", "accounts", "name"),
        ["API keys"] = Digest("concat_ws('|', name, encode(hash, 'hex'), role, tenant_id, revoked_at is null)", "api_keys", "name"),
        ["schedules"] = Digest("concat_ws('|', name, cron, time_zone, jobs, enabled)", "campaign_schedules", "name"),
        ["dispatch windows"] = Digest("concat_ws('|', name, time_zone, opens, closes, weekdays, enabled)", "dispatch_windows", "name"),
        ["models and adapters"] = Digest(
            "name || sha256", "(select name, sha256 from models union all select name, sha256 from adapters)", "name"),
        ["tenants"] = Digest("concat_ws('|', name, weight, max_priority, role_name)",
            "(select t.name, t.weight, t.max_priority, r.role_name from tenants t left join tenant_roles r on r.tenant_id = t.id)", "name"),
        ["idempotency keys"] = Digest("concat_ws('|', tenant_id, key, job_id)", "idempotency_keys", "tenant_id, key"),
        ["staged rows"] = Digest("concat_ws('|', load, recipe, model, adapters)", "staged_jobs", "job_id"),
    };

    /// <summary>Reads every fact.</summary>
    public static async Task<Dictionary<string, string>> ReadAsync(TestDatabase database)
    {
        var contents = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (fact, statement) in Facts) contents[fact] = await database.SqlAsync<string>(statement) ?? "nothing";
        return contents;
    }

    /// <summary>Tables without a row, but for those that are only locked: they have no columns, or no row of theirs is ever
    /// committed.</summary>
    public static async Task<IReadOnlyList<string>> EmptyTablesAsync(TestDatabase database)
    {
        var tables = await database.SqlAsync<string[]>(
            "select array_agg(relname::text order by relname) from pg_class "
            + "where relnamespace = current_schema()::regnamespace and relkind = 'r' and relnatts > 0 and relname <> 'load_locks'");
        var empty = new List<string>();
        foreach (var table in tables!)
            if (!await database.SqlAsync<bool>($"select exists (select from {table})")) empty.Add(table);
        return empty;
    }

    private static string Digest(string row, string source, string order) =>
        $"select count(*) || ' rows, ' || md5(string_agg({row}, E'\\n' order by {order})) from {source} s";
}
