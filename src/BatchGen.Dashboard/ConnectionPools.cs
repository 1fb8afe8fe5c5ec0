using System.Data.Common;
using Npgsql;

namespace BatchGen.Dashboard;

/// <summary>How many connections the dashboard opens at most, where the connection string does not say it: together fewer than a server
/// lends as it is installed (100), so that workers and producers always find some.</summary>
public static class ConnectionPools
{
    /// <summary>Most connections of pages and calls. More than all counted bodies take together (CountedBodies), so that pages are served
    /// while every one of them waits.</summary>
    public const int OfPages = 50;

    /// <summary>Most connections of recurring work and its pages.</summary>
    public const int OfRecurringWork = 20;

    private static readonly string[] Settings = ["Maximum Pool Size", "MaxPoolSize"];

    /// <summary>A connection string that says how large its pool is at most; one that says so already stays as it is.</summary>
    /// <param name="connectionString">Npgsql connection string.</param>
    /// <param name="most">Most connections.</param>
    public static string Limit(string connectionString, int most)
    {
        // Read from the text, because the typed builder does not tell a setting from its default.
        var given = new DbConnectionStringBuilder { ConnectionString = connectionString };
        if (Settings.Any(given.ContainsKey)) return connectionString;
        var limited = new NpgsqlConnectionStringBuilder(connectionString);
        // The least may be set alone.
        limited.MaxPoolSize = Math.Max(most, limited.MinPoolSize);
        return limited.ConnectionString;
    }
}
