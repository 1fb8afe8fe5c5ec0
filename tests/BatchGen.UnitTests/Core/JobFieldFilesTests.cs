using BatchGen.Core.Families;
using BatchGen.Core.Jobs;
using BatchGen.Testing;
using BatchGen.Testing.JobFieldFiles;
using Xunit;

namespace BatchGen.UnitTests.Core;

/// <summary>Files that are written from the declaration of job fields. BATCHGEN_WRITE_GENERATED=1 writes them anew.</summary>
public sealed class JobFieldFilesTests
{
    [Fact]
    public async Task The_sql_that_checks_jobs_is_what_the_declaration_makes()
    {
        await CompareAsync(JobFieldsSql.Path, _ => JobFieldsSql.Write(JobFields.All, ModelFamilies.All));
    }

    [Fact]
    public async Task The_table_of_fields_in_the_documents_is_what_the_declaration_makes()
    {
        await CompareAsync(JobFieldsTable.Path, document => JobFieldsTable.WriteInto(document, JobFields.All));
    }

    private static async Task CompareAsync(string path, Func<string, string> write)
    {
        var file = Path.Combine(RepositoryPaths.Root, path);
        var present = File.Exists(file) ? await File.ReadAllTextAsync(file) : "";
        var wanted = write(present);
        if (Environment.GetEnvironmentVariable("BATCHGEN_WRITE_GENERATED") == "1") await File.WriteAllTextAsync(file, wanted);
        else
            Assert.True(wanted == present,
                $"{path} is not what the declaration of job fields makes. Write it anew: run this test with BATCHGEN_WRITE_GENERATED=1.");
    }
}
