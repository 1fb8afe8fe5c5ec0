using System.Text;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Migrations;

/// <summary>db/schema.sql is what the migrations add up to, for people to read. BATCHGEN_WRITE_SCHEMA=1 writes it anew.</summary>
public sealed class SchemaFileTests
{
    private const int WidestColumns = 140;

    // Each gives kind, name, comment, body and options.
    private static readonly string[] Queries =
    [
        """
        select 'table', c.relname, obj_description(c.oid, 'pg_class'),
          coalesce((select string_agg(format('  %s %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
              case when a.attcollation <> t.typcollation and a.attcollation <> 0
                then ' collate "' || (select collname from pg_collation where oid = a.attcollation) || '"' else '' end,
              case when a.attidentity = 'a' then ' generated always as identity'
                when a.attgenerated = 's' then ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ') stored'
                when d.adbin is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid) else '' end,
              case when a.attnotnull then ' not null' else '' end), E',\n' order by a.attnum)
            from pg_attribute a join pg_type t on t.oid = a.atttypid
            left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '')
          || coalesce((select string_agg(format(E',\n  constraint %s %s', k.conname, pg_get_constraintdef(k.oid)), ''
              order by k.contype = 'c', k.conname)
            from pg_constraint k where k.conrelid = c.oid), ''),
          array_to_string(c.reloptions, ', ') || case when c.relpersistence = 'u' then ' unlogged' else '' end
        from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' order by c.relname
        """,
        """
        select 'type', c.relname, obj_description(c.reltype, 'pg_type'),
          (select string_agg(format('  %s %s', a.attname, format_type(a.atttypid, a.atttypmod)), E',\n' order by a.attnum)
            from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
          null
        from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind = 'c' order by c.relname
        """,
        """
        select 'index', indexname, obj_description((quote_ident(indexname))::regclass, 'pg_class'), indexdef, null
        from pg_indexes i where schemaname = current_schema()
          and not exists (select from pg_constraint k where k.conindid = (quote_ident(indexname))::regclass)
        order by indexname
        """,
        """
        select 'view', c.relname, obj_description(c.oid, 'pg_class'), pg_get_viewdef(c.oid, true), array_to_string(c.reloptions, ', ')
        from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind = 'v' order by c.relname
        """,
        """
        select 'trigger', t.tgname, null, pg_get_triggerdef(t.oid), null
        from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where c.relnamespace = current_schema()::regnamespace and not t.tgisinternal
        order by t.tgname
        """,
        """
        select 'function', p.proname, obj_description(p.oid, 'pg_proc'),
          format('%s(%s) returns %s', p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)),
          case when p.prosecdef then 'security definer' else null end
        from pg_proc p where p.pronamespace = current_schema()::regnamespace order by p.proname, p.oid::regprocedure::text
        """,
    ];

    private static string SchemaFile => Path.Combine(RepositoryPaths.Root, "db", "schema.sql");

    [Fact]
    public async Task The_schema_file_is_what_the_migrations_make()
    {
        await using var database = await TestDatabase.CreateAsync();
        var rendered = await RenderAsync(database);
        if (Environment.GetEnvironmentVariable("BATCHGEN_WRITE_SCHEMA") == "1") await File.WriteAllTextAsync(SchemaFile, rendered);

        Assert.True(File.Exists(SchemaFile) && await File.ReadAllTextAsync(SchemaFile) == rendered,
            "db/schema.sql differs from what the migrations make. Write it anew: BATCHGEN_WRITE_SCHEMA=1 dotnet run --project "
                + "tests/BatchGen.DatabaseTests -- -class '*SchemaFileTests'");
    }

    [Fact]
    public async Task Every_table_view_index_and_sequence_has_a_comment()
    {
        await using var database = await TestDatabase.CreateAsync();
        var silent = await database.SqlAsync<string[]>("""
            select coalesce(array_agg(c.relname::text order by c.relname), '{}')
            from pg_class c
            left join pg_index i on i.indexrelid = c.oid
            left join pg_depend d on d.objid = c.oid and d.deptype = 'i' and c.relkind = 'S'
            where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'v', 'i', 'S')
              and obj_description(c.oid, 'pg_class') is null
              and not exists (select from pg_constraint k where k.conindid = c.oid) and d.objid is null 
            """);
        Assert.Empty(silent!);
    }

    [Fact]
    public async Task Every_routine_says_what_it_does_and_one_that_runs_as_the_owner_has_the_search_path_of_the_schema()
    {
        await using var database = await TestDatabase.CreateAsync();
        Assert.Empty((await database.SqlAsync<string[]>("""
            select coalesce(array_agg(p.oid::regprocedure::text order by p.proname), '{}')
            from pg_proc p
            where p.pronamespace = current_schema()::regnamespace
              and (obj_description(p.oid, 'pg_proc') is null
                or (p.prosecdef and not coalesce(format('search_path=%s, pg_temp', current_schema()) = any(p.proconfig), false)))
            """))!);
    }

    private static async Task<string> RenderAsync(TestDatabase database)
    {
        var text = new StringBuilder("-- What the migrations add up to, written by a test for people to read. "
            + "Change it by a new migration, then see SchemaFileTests.\n");
        await using var connection = await database.ConnectAsync();
        foreach (var query in Queries)
        {
            await using var command = new NpgsqlCommand(query, connection);
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync()) Append(text, new SchemaObject(
                reader.GetString(0), reader.GetString(1), Text(reader, 2), reader.GetString(3), Text(reader, 4)));
        }

        return string.Join(
            '\n', text.ToString().Replace(database.Schema + ".", "", StringComparison.Ordinal).Split('\n').SelectMany(Wrapped));
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static void Append(StringBuilder text, SchemaObject found)
    {
        text.Append('\n');
        if (found.Comment is not null) text.Append("-- ").Append(found.Comment).Append('\n');
        if (found.Kind is "table" or "type")
            text.Append(found.Kind).Append(' ').Append(found.Name).Append(" (\n").Append(found.Body).Append("\n)");
        else if (found.Kind == "view") text.Append("view ").Append(found.Name).Append(" as\n").Append(found.Body.TrimEnd(';').Trim());
        else text.Append(found.Kind == "function" ? "function " : "").Append(found.Body);
        if (!string.IsNullOrEmpty(found.Options)) text.Append(found.Kind == "table" ? $" with ({found.Options})" : $" -- {found.Options}");
        text.Append(";\n");
    }

    // Breaks a line that is wider than the sources may be at a space, and indents the rest; a comment goes on as a comment.
    private static IEnumerable<string> Wrapped(string line)
    {
        var indent = line.StartsWith("-- ", StringComparison.Ordinal) ? "-- " : line[..^line.TrimStart().Length] + "  ";
        while (line.Length > WidestColumns && line.LastIndexOf(' ', WidestColumns) is var space && space > indent.Length)
        {
            yield return line[..space];
            line = indent + line[(space + 1)..];
        }

        yield return line;
    }

    private sealed record SchemaObject(string Kind, string Name, string? Comment, string Body, string? Options);
}
