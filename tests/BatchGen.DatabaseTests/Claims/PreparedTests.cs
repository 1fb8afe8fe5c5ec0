using BatchGen.Queue;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

/// <summary>Calls of the queue's functions are prepared once per connection, unless the connection string says otherwise, as it must for a
/// PgBouncer before 1.21.</summary>
public sealed class PreparedTests
{
    [Theory]
    [InlineData("", true)]
    [InlineData("Max Auto Prepare=0", false)]
    [InlineData("MaxAutoPrepare=0", false)]
    public async Task A_claim_is_prepared_unless_the_connection_string_forbids_it(string setting, bool prepared)
    {
        await using var database = await TestDatabase.CreateAsync(settings: setting);
        await database.AddModelAsync();
        var worker = await database.AddWorkerAsync();
        for (var i = 0; i < 10; i++) Assert.Null(await database.ClaimAsync(worker));
        var claims = await database.Queue.RunAsync(async connection =>
        {
            await using var command = new NpgsqlCommand(
                "select count(*) from pg_prepared_statements where statement like '%claim_batch%'", connection);
            return (long)(await command.ExecuteScalarAsync())!;
        }, CancellationToken.None);
        Assert.Equal(prepared ? 1 : 0, claims);
    }
}
