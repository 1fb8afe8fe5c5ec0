using System.Globalization;
using BatchGen.Queue.Embedded;
using BatchGen.Queue.Sql;
using Npgsql;

namespace BatchGen.Queue.Backups;

/// <summary>The server's own programs <c>pg_dump</c> and <c>pg_restore</c>, as installed on this machine.</summary>
/// <remarks>A session is the name that the program's session has on the server (<c>application_name</c>).</remarks>
internal sealed class DumpPrograms(ServerPrograms programs)
{
    /// <summary>Finds programs of the server's version, or the next newer ones.</summary>
    /// <exception cref="QueueException">There are none; says what to install.</exception>
    public static async Task<DumpPrograms> FindAsync(int serverVersion, CancellationToken cancellationToken) =>
        new(await ServerPrograms.FindDumpProgramsAsync(serverVersion / 10000, cancellationToken));

    /// <summary>Writes schemas into a file in pg_dump's own format.</summary>
    /// <exception cref="QueueException">It failed; says why.</exception>
    public Task DumpAsync(
        string connectionString, string session, IEnumerable<string> schemas, string file, CancellationToken cancellationToken) => RunAsync(
        "pg_dump", connectionString, session,
        ["--format=custom", "--no-password", "--file=" + file, .. schemas.Select(schema => "--schema=" + QuotedName.Of(schema))],
        cancellationToken);

    /// <summary>Makes what a file holds, all of it or nothing; objects belong to the login that restores.</summary>
    /// <exception cref="QueueException">It failed; says why.</exception>
    public Task RestoreAsync(string connectionString, string session, string file, CancellationToken cancellationToken)
    {
        var database = new NpgsqlConnectionStringBuilder(connectionString);
        return RunAsync(
            "pg_restore", connectionString, session,
            [
                "--single-transaction", "--exit-on-error", "--no-owner", "--no-password",
                "--dbname=" + (database.Database ?? database.Username), file,
            ],
            cancellationToken);
    }

    /// <summary>Who owned a schema when a file was written; null where the file does not say.</summary>
    /// <exception cref="QueueException">The file cannot be read; says why.</exception>
    public async Task<string?> ReadOwnerAsync(string file, string schema, CancellationToken cancellationToken)
    {
        // "6; 2615 16386 SCHEMA - batchgen owner"
        var begin = $" SCHEMA - {schema} ";
        var list = await RunAsync(
            "pg_restore", ["--list", file], new Dictionary<string, string>(StringComparer.Ordinal), cancellationToken);
        var line = list.Split('\n').FirstOrDefault(line =>
            !line.StartsWith(';') && line.Contains(begin, StringComparison.Ordinal));
        return line?[(line.IndexOf(begin, StringComparison.Ordinal) + begin.Length)..].TrimEnd() is { Length: > 0 } owner ? owner : null;
    }

    private Task<string> RunAsync(
        string program, string connectionString, string session, IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        RunAsync(program, arguments, Environment(connectionString, session), cancellationToken);

    private async Task<string> RunAsync(
        string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment,
        CancellationToken cancellationToken)
    {
        var result = await Programs.TryRunAsync(programs[program], arguments, "", environment, cancellationToken);
        if (result is { ExitCode: 0 }) return result.Output;
        throw new QueueException($"{program} of PostgreSQL {programs.MajorVersion} failed: "
            + $"{result?.Error.Trim().ReplaceLineEndings(" ") ?? "there is no such program"}");
    }

    // In the environment, where other users of the machine cannot read the password.
    private static Dictionary<string, string> Environment(string connectionString, string session)
    {
        var given = new NpgsqlConnectionStringBuilder(connectionString);
        var variables = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PGAPPNAME"] = session,
            ["PGHOST"] = given.Host ?? "",
            ["PGPORT"] = given.Port.ToString(CultureInfo.InvariantCulture),
            ["PGUSER"] = given.Username ?? System.Environment.UserName,
            ["PGDATABASE"] = given.Database ?? given.Username ?? System.Environment.UserName,
            ["PGSSLMODE"] = given.SslMode switch
            {
                SslMode.VerifyCA => "verify-ca",
                SslMode.VerifyFull => "verify-full",
                var mode => mode.ToString().ToLowerInvariant(),
            },
        };
        Add("PGPASSWORD", given.Password);
        Add("PGPASSFILE", given.Passfile);
        Add("PGSSLROOTCERT", given.RootCertificate);
        Add("PGSSLCERT", given.SslCertificate);
        Add("PGSSLKEY", given.SslKey);
        // Of several hosts the one that takes writes.
        if (given.Host?.Contains(',', StringComparison.Ordinal) == true) variables["PGTARGETSESSIONATTRS"] = "read-write";
        return variables;

        void Add(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value)) variables[name] = value;
        }
    }
}
