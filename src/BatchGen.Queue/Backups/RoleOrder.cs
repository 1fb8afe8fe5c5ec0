namespace BatchGen.Queue.Backups;

/// <summary>The order in which roles can be made: those that a role is a member of come before it.</summary>
internal static class RoleOrder
{
    /// <summary>Puts roles in order; those that do not depend on each other stay as they stand.</summary>
    public static IReadOnlyList<RestoredRole> Of(IReadOnlyList<RestoredRole> roles)
    {
        var ordered = new List<RestoredRole>();
        // A role is noted before those it is a member of are looked at, so that a circle, which no server makes, ends.
        var seen = new HashSet<RestoredRole>();
        foreach (var role in roles) Add(role);
        return ordered;

        void Add(RestoredRole role)
        {
            if (!seen.Add(role)) return;
            foreach (var group in roles.Where(other => role.MemberOf.Contains(other.Name, StringComparer.Ordinal))) Add(group);
            ordered.Add(role);
        }
    }
}
