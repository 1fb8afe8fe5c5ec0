namespace BatchGen.Queue.Backups;

/// <summary>A database role as a backup holds it.</summary>
public sealed class RestoredRole
{
    /// <summary>Name of the role.</summary>
    public string Name { get; init; } = "";

    /// <summary>Whether people or programs log in as it.</summary>
    public bool CanLogin { get; init; }

    /// <summary>Roles of the backup that it is a member of.</summary>
    public string[] MemberOf { get; init; } = [];

    /// <summary>Settings of its sessions, each as <c>name=value</c>.</summary>
    public string[] Settings { get; init; } = [];

    /// <summary>Digest of its password; null where there is none, or the backup was not made by a superuser.</summary>
    public string? Password { get; init; }
}
