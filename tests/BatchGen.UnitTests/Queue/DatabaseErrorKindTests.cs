using System.Net.Sockets;
using System.Reflection;
using BatchGen.Queue;
using Npgsql;

namespace BatchGen.UnitTests.Queue;

/// <summary>Every error of the database has one kind, by its SQLSTATE or by what the driver says.</summary>
public sealed class DatabaseErrorKindTests
{
    /// <summary>The codes that the driver has names for.</summary>
    public static TheoryData<string> KnownCodes => [.. typeof(PostgresErrorCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Where(constant => constant.IsLiteral)
        .Select(constant => (string)constant.GetRawConstantValue()!)];

    [Theory]
    [InlineData("25006", DatabaseErrorKind.Passing)]
    [InlineData("57014", DatabaseErrorKind.Passing)]
    [InlineData("57P01", DatabaseErrorKind.Passing)]
    [InlineData("57P02", DatabaseErrorKind.Passing)]
    [InlineData("57P03", DatabaseErrorKind.Passing)]
    [InlineData("57P05", DatabaseErrorKind.Passing)]
    [InlineData("53100", DatabaseErrorKind.Passing)]
    [InlineData("53300", DatabaseErrorKind.Passing)]
    [InlineData("54000", DatabaseErrorKind.Passing)]
    [InlineData("54001", DatabaseErrorKind.Fault)]
    [InlineData("54023", DatabaseErrorKind.Fault)]
    [InlineData("40P01", DatabaseErrorKind.Passing)]
    [InlineData("55P03", DatabaseErrorKind.Passing)]
    [InlineData("08006", DatabaseErrorKind.Passing)]
    [InlineData("XX000", DatabaseErrorKind.Passing)]
    [InlineData("28P01", DatabaseErrorKind.Denied)]
    [InlineData("42501", DatabaseErrorKind.Denied)]
    [InlineData("3D000", DatabaseErrorKind.Denied)]
    [InlineData("BG001", DatabaseErrorKind.Refused)]
    [InlineData("BG002", DatabaseErrorKind.LeaseLost)]
    [InlineData("BG003", DatabaseErrorKind.Fault)]
    [InlineData("23505", DatabaseErrorKind.Fault)]
    [InlineData("42P01", DatabaseErrorKind.Denied)]
    [InlineData("42703", DatabaseErrorKind.Fault)]
    [InlineData("22023", DatabaseErrorKind.Fault)]
    public void An_error_of_the_server_has_the_kind_of_its_code(string code, DatabaseErrorKind kind)
    {
        Assert.Equal(kind, TransientRetry.KindOf(Error(code)));
        Assert.Equal(kind == DatabaseErrorKind.Passing, TransientRetry.IsTransient(Error(code)));
        // As the queue passes it on.
        Assert.Equal(kind, TransientRetry.KindOf(new QueueException("said in words", Error(code))));
    }

    [Theory]
    [MemberData(nameof(KnownCodes))]
    public void A_code_that_the_driver_takes_for_passing_is_passing(string code)
    {
        if (Error(code).IsTransient) Assert.Equal(DatabaseErrorKind.Passing, TransientRetry.KindOf(Error(code)));
        else Assert.NotNull(TransientRetry.KindOf(Error(code)));
    }

    [Fact]
    public void A_prepared_statement_that_is_out_of_date_is_prepared_again()
    {
        var outdated = new PostgresException("cached plan must not change result type", "ERROR", "ERROR", "0A000");
        Assert.Equal(DatabaseErrorKind.Passing, TransientRetry.KindOf(outdated));
        Assert.Equal(DatabaseErrorKind.Fault, TransientRetry.KindOf(Error("0A000")));
    }

    [Fact]
    public void Errors_of_the_driver_itself_are_passing()
    {
        var several = new AggregateException(Error("57P03"), new NpgsqlException("no answer", new TimeoutException()));
        Assert.All(
            new Exception[]
            {
                new NpgsqlException("No suitable host was found."),
                new NpgsqlException("Unable to connect to a suitable host.", several),
                new NpgsqlException("Exception while reading from stream", new IOException()),
                new NpgsqlException("The connection pool has been exhausted"),
                new SocketException((int)SocketError.HostNotFound),
                new TimeoutException(),
            },
            error => Assert.Equal(DatabaseErrorKind.Passing, TransientRetry.KindOf(error)));
    }

    [Fact]
    public void An_error_that_is_not_the_databases_has_no_kind() =>
        Assert.Null(TransientRetry.KindOf(new InvalidOperationException("anything")));

    private static PostgresException Error(string code) => new("message", "ERROR", "ERROR", code);
}
