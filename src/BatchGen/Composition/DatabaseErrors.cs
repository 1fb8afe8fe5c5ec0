using System.Net.Sockets;
using BatchGen.Queue;
using Npgsql;

namespace BatchGen.Composition;

/// <summary>Turns what a database driver throws into one line for people.</summary>
internal static class DatabaseErrors
{
    /// <summary>Runs a first contact with the database.</summary>
    /// <exception cref="CommandException">It cannot be reached or used.</exception>
    public static async Task<T> TranslateAsync<T>(Func<Task<T>> action)
    {
        try
        {
            return await action();
        }
        catch (Exception failure) when (failure is QueueException or ArgumentException || IsDatabase(failure))
        {
            throw new CommandException(ExitCodes.NoDatabase, Describe(failure), failure);
        }
    }

    /// <summary>True when the driver or the network threw it.</summary>
    public static bool IsDatabase(Exception failure) => failure is NpgsqlException or SocketException or TimeoutException;

    /// <summary>Says in one line what went wrong; the line never shows the connection string.</summary>
    public static string Describe(Exception failure) => failure switch
    {
        QueueException => failure.Message,
        PostgresException { SqlState: PostgresErrorCodes.InvalidPassword
            or PostgresErrorCodes.InvalidAuthorizationSpecification } refused =>
            $"The database refused the login: {refused.MessageText}. Check user and password in ConnectionStrings__BatchGen.",
        PostgresException refused => $"The database refused: {refused.MessageText} ({refused.SqlState}).",
        ArgumentException => $"ConnectionStrings__BatchGen is not a connection string: {failure.Message.Split('\n')[0]}",
        _ => $"The database cannot be reached: {(failure.InnerException ?? failure).Message.TrimEnd('.')}. "
            + "Check that it runs and ConnectionStrings__BatchGen points to it.",
    };
}
