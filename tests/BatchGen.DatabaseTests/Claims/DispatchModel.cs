namespace BatchGen.DatabaseTests.Claims;

/// <summary>The order of dispatch of docs/queue.md, written as plainly as possible: it looks at every job each time. The database
/// must choose the same.</summary>
internal sealed class DispatchModel(TimeSpan maxWait, int maxBatches)
{
    /// <summary>A waiting job.</summary>
    internal sealed record Waiting(long Id, string Tenant, int Priority, string Signature, DateTime RunAt);

    /// <summary>What a worker remembers.</summary>
    internal sealed class Memory
    {
        public string? Fused { get; set; }

        public int Spent { get; set; }

        public double Now { get; set; }

        public Dictionary<string, double> Served { get; } = new(StringComparer.Ordinal);

        public double TagOf(string tenant) => Math.Max(Served.GetValueOrDefault(tenant), Now);
    }

    /// <summary>Which jobs the worker gets; empty when none.</summary>
    /// <param name="waiting">All ready jobs.</param>
    /// <param name="memory">The worker's.</param>
    /// <param name="weights">Tenants by weight.</param>
    /// <param name="heldByOthers">Signatures other live workers have fused, with how many workers.</param>
    /// <param name="size">Most jobs.</param>
    /// <param name="now">The clock.</param>
    public IReadOnlyList<Waiting> Claim(
        IReadOnlyCollection<Waiting> waiting, Memory memory, IReadOnlyDictionary<string, double> weights,
        IReadOnlyDictionary<string, int> heldByOthers, int size, DateTime now)
    {
        if (waiting.Count == 0) return [];
        var band = waiting.Where(job => job.Priority == waiting.Max(other => other.Priority)).ToArray();
        var tenants = band.Select(job => job.Tenant).Distinct(StringComparer.Ordinal).OrderBy(memory.TagOf).ThenBy(TenantOrder).ToArray();
        var (chosen, tenant) = Choose(band, tenants, memory, heldByOthers, size, now);
        if (chosen is null) return [];

        if (chosen != memory.Fused) (memory.Fused, memory.Spent) = (chosen, 0);
        else if (memory.Spent >= maxBatches) memory.Spent = 0;
        memory.Spent++;
        var taken = tenants.OrderBy(name => name != tenant).ThenBy(memory.TagOf).ThenBy(name => Array.IndexOf(tenants, name))
            .SelectMany(name => band.Where(job => job.Tenant == name && job.Signature == chosen).OrderBy(job => job.Id))
            .Take(size).ToArray();
        memory.Now = tenants.Min(memory.TagOf);
        foreach (var group in taken.GroupBy(job => job.Tenant))
            memory.Served[group.Key] = memory.TagOf(group.Key) + group.Count() / weights[group.Key];
        return taken;
    }

    private (string? Signature, string? Tenant) Choose(
        Waiting[] band, string[] tenants, Memory memory, IReadOnlyDictionary<string, int> heldByOthers, int size, DateTime now)
    {
        // Stay, unless somebody whose turn it is waits too long and the fused signature does not.
        var stay = tenants.FirstOrDefault(tenant => band.Any(job => job.Tenant == tenant && job.Signature == memory.Fused));
        if (stay is not null && memory.Spent < maxBatches)
        {
            var own = band.Where(job => job.Tenant == stay && job.Signature == memory.Fused).MinBy(job => job.Id)!;
            if (own.RunAt <= now - maxWait) return (memory.Fused, stay);
            var leader = tenants.Where(tenant => memory.TagOf(tenant) <= memory.TagOf(stay)).Select(Oldest)
                .Where(job => job.RunAt <= now - maxWait && job.Signature != memory.Fused && IsFree(job.Signature, job.Tenant))
                .MinBy(job => job.RunAt);
            return leader is null ? (memory.Fused, stay) : (leader.Signature, leader.Tenant);
        }

        foreach (var tenant in tenants)
        {
            var oldest = Oldest(tenant);
            if (oldest.RunAt <= now - maxWait && oldest.Signature != memory.Fused && IsFree(oldest.Signature, tenant))
                return (oldest.Signature, tenant);
            var signatures = band.Where(job => job.Tenant == tenant && job.Signature != memory.Fused).Select(job => job.Signature)
                .Distinct(StringComparer.Ordinal)
                .OrderBy(signature => memory.Fused is not null && string.CompareOrdinal(signature, memory.Fused) < 0)
                .ThenBy(signature => signature, StringComparer.Ordinal);
            // One nobody else has fused; only when there is none, one with work enough to share.
            if ((signatures.FirstOrDefault(signature => !heldByOthers.ContainsKey(signature))
                ?? signatures.FirstOrDefault(signature => IsFree(signature, tenant))) is { } next)
                return (next, tenant);
        }

        return stay is null ? (null, null) : (memory.Fused, stay);

        Waiting Oldest(string tenant) => band.Where(job => job.Tenant == tenant).MinBy(job => job.RunAt)!;

        bool IsFree(string signature, string tenant) => !heldByOthers.TryGetValue(signature, out var holders)
            || band.Count(job => job.Tenant == tenant && job.Signature == signature) >= size * (holders + 1);
    }

    // The database breaks ties between tenants by the order of their dispatch groups' models, which is one here; tests avoid ties of tags.
    private static int TenantOrder(string tenant) => tenant.Length;
}
