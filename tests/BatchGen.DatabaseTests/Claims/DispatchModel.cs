namespace BatchGen.DatabaseTests.Claims;

/// <summary>The order of dispatch of docs/queue.md, written as plainly as possible: it looks at every job each time. The database
/// must choose the same.</summary>
internal sealed class DispatchModel(TimeSpan maxWait, int maxBatches)
{
    /// <summary>A waiting job as the model sees it.</summary>
    internal sealed record Waiting(long Id, string Tenant, int Priority, string Signature, DateTime RunAt);

    /// <summary>What a worker remembers from one claim to the next.</summary>
    internal sealed class Memory
    {
        public string? Fused { get; set; }

        public int Spent { get; set; }

        public double Now { get; set; }

        public Dictionary<string, double> Served { get; } = new(StringComparer.Ordinal);

        public double TagOf(string tenant) => Math.Max(Served.GetValueOrDefault(tenant), Now);
    }

    /// <summary>Which jobs the worker gets; empty when none.</summary>
    /// <param name="waiting">All jobs that could be claimed now.</param>
    /// <param name="memory">What the worker remembers; changed by the claim.</param>
    /// <param name="weights">Weights of the tenants by name.</param>
    /// <param name="heldByOthers">Signatures other live workers have fused, with how many workers.</param>
    /// <param name="size">Most jobs of the batch.</param>
    /// <param name="now">The present instant.</param>
    public IReadOnlyList<Waiting> Claim(
        IReadOnlyCollection<Waiting> waiting, Memory memory, IReadOnlyDictionary<string, double> weights,
        IReadOnlyDictionary<string, int> heldByOthers, int size, DateTime now)
    {
        if (waiting.Count == 0) return [];
        var level = waiting.Where(job => job.Priority == waiting.Max(other => other.Priority)).ToArray();
        var tenants = level.Select(job => job.Tenant).Distinct(StringComparer.Ordinal).OrderBy(memory.TagOf).ThenBy(TenantOrder).ToArray();
        var (chosen, tenant) = Choose(level, tenants, memory, heldByOthers, size, now);
        if (chosen is null) return [];

        if (chosen != memory.Fused) (memory.Fused, memory.Spent) = (chosen, 0);
        else if (memory.Spent >= maxBatches) memory.Spent = 0;
        memory.Spent++;
        var taken = tenants.OrderBy(name => name != tenant).ThenBy(memory.TagOf).ThenBy(name => Array.IndexOf(tenants, name))
            .SelectMany(name => level.Where(job => job.Tenant == name && job.Signature == chosen).OrderBy(job => job.Id))
            .Take(size).ToArray();
        memory.Now = tenants.Min(memory.TagOf);
        foreach (var group in taken.GroupBy(job => job.Tenant))
            memory.Served[group.Key] = memory.TagOf(group.Key) + group.Count() / weights[group.Key];
        return taken;
    }

    private (string? Signature, string? Tenant) Choose(
        Waiting[] level, string[] tenants, Memory memory, IReadOnlyDictionary<string, int> heldByOthers, int size, DateTime now)
    {
        // Stays on the fused signature while its oldest job is overdue, or no tenant whose turn it is has an overdue job of another one.
        var stay = tenants.FirstOrDefault(tenant => level.Any(job => job.Tenant == tenant && job.Signature == memory.Fused));
        if (stay is not null && memory.Spent < maxBatches)
        {
            var own = level.Where(job => job.Tenant == stay && job.Signature == memory.Fused).MinBy(job => job.Id)!;
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
            var signatures = level.Where(job => job.Tenant == tenant && job.Signature != memory.Fused).Select(job => job.Signature)
                .Distinct(StringComparer.Ordinal)
                .OrderBy(signature => memory.Fused is not null && string.CompareOrdinal(signature, memory.Fused) < 0)
                .ThenBy(signature => signature, StringComparer.Ordinal);
            // Takes a signature that no other worker has fused; only when there is none, one with enough jobs to share.
            if ((signatures.FirstOrDefault(signature => !heldByOthers.ContainsKey(signature))
                ?? signatures.FirstOrDefault(signature => IsFree(signature, tenant))) is { } next)
                return (next, tenant);
        }

        return stay is null ? (null, null) : (memory.Fused, stay);

        Waiting Oldest(string tenant) => level.Where(job => job.Tenant == tenant).MinBy(job => job.RunAt)!;

        bool IsFree(string signature, string tenant) => !heldByOthers.TryGetValue(signature, out var holders)
            || level.Count(job => job.Tenant == tenant && job.Signature == signature) >= size * (holders + 1);
    }

    // The database breaks ties between tenants by the order of their dispatch groups' models, which is one here; tests avoid ties of tags.
    private static int TenantOrder(string tenant) => tenant.Length;
}
