using System.Globalization;
using System.Text.Json;
using BatchGen.Composition;
using BatchGen.Core.Jobs;
using BatchGen.Logging;
using BatchGen.Testing;
using BatchGen.UnitTests.Program;
using BatchGen.Worker;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace BatchGen.UnitTests.Logging;

/// <summary>Log lines have a time and a level, name batch and job, and are one line each whatever stands in them.</summary>
public sealed class LogLineTests
{
    private static readonly FakeTimeProvider Clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, 123, TimeSpan.Zero));

    [Fact]
    public void A_line_has_date_time_level_and_category() =>
        Assert.Equal("2026-03-01 12:00:00.123Z warning BatchGen.Test[7]: Something happened\n",
            Write(LogFormats.Text, LogLevel.Warning, "Something happened"));

    [Fact]
    public void A_line_names_batch_and_job_of_the_scopes_around_it()
    {
        var scopes = new LoggerExternalScopeProvider();
        using var batch = scopes.Push(new Dictionary<string, object> { ["BatchId"] = 5L, ["WorkerId"] = Guid.Empty });
        using var job = scopes.Push(new Dictionary<string, object> { ["JobId"] = 12L });
        Assert.Equal($"2026-03-01 12:00:00.123Z info    BatchGen.Test[7] batch=5 job=12 worker={Guid.Empty}: Done\n",
            Write(LogFormats.Text, LogLevel.Information, "Done", scopes: scopes));
        using var read = JsonDocument.Parse(Write(LogFormats.Json, LogLevel.Information, "Done", scopes: scopes));
        Assert.Equal((5L, 12L),
            (read.RootElement.GetProperty("batch").GetInt64(), read.RootElement.GetProperty("job").GetInt64()));
    }

    [Theory]
    [InlineData(LogFormats.Text)]
    [InlineData(LogFormats.Json)]
    public void Messages_errors_and_scopes_with_ends_of_lines_and_escape_sequences_are_one_harmless_line(string format)
    {
        var scopes = new LoggerExternalScopeProvider();
        using var scope = scopes.Push(new Dictionary<string, object> { ["JobId"] = "1\r\n2026 forged", ["Name"] = "\u202Ex" });
        var line = Write(format, LogLevel.Error, "Campaign 'a\nb\u001b[2J\u2028\u202E' failed", Thrown(), scopes);
        Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal));
        Assert.DoesNotContain(line.TrimEnd('\n'),
            c => char.IsControl(c) || char.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator);
        Assert.Contains("the first line", line, StringComparison.Ordinal);
        Assert.Contains(nameof(Thrown), line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_JSON_line_gives_back_every_text_as_it_was()
    {
        const string Message = "Campaign 'a\nb\u001b[2J\u202E' 雪 failed";
        using var read = JsonDocument.Parse(Write(LogFormats.Json, LogLevel.Error, Message, Thrown()));
        var line = read.RootElement;
        Assert.Equal(("2026-03-01T12:00:00.123Z", "error", "BatchGen.Test", 7, Message),
            (line.GetProperty("time").GetString(), line.GetProperty("level").GetString(), line.GetProperty("category").GetString(),
                line.GetProperty("event").GetInt32(), line.GetProperty("message").GetString()));
        Assert.Contains("the first line\nthe second", line.GetProperty("exception").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_of_another_process_says_which_and_one_that_is_no_JSON_becomes_a_message()
    {
        var line = Write(LogFormats.Json, LogLevel.Information, "Done").TrimEnd();
        using var read = JsonDocument.Parse(JsonLogLine.OfProcess(3, line, Clock.GetUtcNow()));
        Assert.Equal((3, "Done"),
            (read.RootElement.GetProperty("process").GetInt32(), read.RootElement.GetProperty("message").GetString()));
        foreach (var plain in (string[])["Unhandled exception.", "{ not JSON"])
        {
            using var message = JsonDocument.Parse(JsonLogLine.OfProcess(2, plain, Clock.GetUtcNow()));
            Assert.Equal((2, plain),
                (message.RootElement.GetProperty("process").GetInt32(), message.RootElement.GetProperty("message").GetString()));
        }
    }

    [Fact]
    public async Task The_error_that_ends_a_command_is_a_JSON_line_where_lines_are_JSON()
    {
        var run = await ProgramRun.RunAsync(["show", "/no/such/file.png", "--log-format", "json"]);
        Assert.Equal(ExitCodes.Failed, run.ExitCode);
        using var read = JsonDocument.Parse(Assert.Single(run.Error.TrimEnd().Split('\n')));
        Assert.Contains("/no/such/file.png", read.RootElement.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Logging:LogLevel:BatchGen", "loud", "Logging:LogLevel:BatchGen: 'loud' is not one of Trace, Debug, Information")]
    [InlineData("Logging:Console:LogLevel:Default", "4.5", "Logging:Console:LogLevel:Default: '4.5' is not one of Trace")]
    [InlineData("Logging:Console:FormatterName", "xml", "Logging:Console:FormatterName: 'xml' is not one of text, json.")]
    public async Task A_level_or_format_that_is_none_is_refused(string key, string value, string expected)
    {
        var run = await ProgramRun.RunAsync(["jobs"], settings: new Dictionary<string, string?>(StringComparer.Ordinal) { [key] = value });
        Assert.Equal(ExitCodes.BadInput, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_settings_file_shows_every_default_of_the_section()
    {
        var file = new ConfigurationBuilder().AddJsonFile(Path.Combine(RepositoryPaths.Root, "appsettings.json")).Build();
        var shown = file.GetSection("Logging").AsEnumerable().Where(pair => pair.Value is not null);
        Assert.Equal(LogSettings.Defaults.OrderBy(pair => pair.Key, StringComparer.Ordinal),
            shown.OrderBy(pair => pair.Key, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(LogLevel.Trace, "BatchGen.Worker.Hosting", LogLevel.Information)]
    [InlineData(LogLevel.Trace, "Npgsql.Command", LogLevel.Warning)]
    [InlineData(LogLevel.Trace, "Microsoft.AspNetCore.DataProtection.KeyManagement", LogLevel.Error)]
    [InlineData(LogLevel.Trace, "BatchGen.Diffusion.Rendering", LogLevel.Debug)]
    [InlineData(LogLevel.Warning, "BatchGen.Diffusion.Rendering", LogLevel.Warning)]
    [InlineData(LogLevel.Warning, "BatchGen.Quiet", LogLevel.Error)]
    public void Levels_by_category_come_from_the_settings_and_commands_for_people_raise_them(
        LogLevel lowest, string category, LogLevel expected)
    {
        var context = ProgramRun.Context(settings: new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Logging:LogLevel:BatchGen.Diffusion"] = "Debug", ["Logging:LogLevel:BatchGen.Quiet"] = "Error",
        });
        var settings = Settings.Read(context).Logging;
        using var factory = LoggerFactory.Create(builder => ProgramLogging.Configure(builder, context, settings, lowest));
        var log = factory.CreateLogger(category);
        Assert.True(log.IsEnabled(expected));
        Assert.False(log.IsEnabled(expected - 1));
    }

    [Fact]
    public void Scopes_of_a_batch_and_of_several_jobs_name_them_all()
    {
        var scopes = new RecordedScopes();
        using (scopes.BeginJobs([.. Enumerable.Range(1, 20).Select(id => new ClaimedJob(id, 1, null!))]))
        using (scopes.BeginJobs([new ClaimedJob(7, 1, null!)]))
        {
            Assert.Equal("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,…", scopes.Values["JobIds"]);
            Assert.Equal(7L, scopes.Values["JobId"]);
        }
    }

    private static string Write(
        string format, LogLevel level, string message, Exception? error = null, IExternalScopeProvider? scopes = null)
    {
        var output = new StringWriter { NewLine = "\n" };
        var entry = new LogEntry<string>(level, "BatchGen.Test", new EventId(7), message, error, static (state, _) => state);
        LogFormats.Formatters(Clock).Single(formatter => formatter.Name == format).Write(entry, scopes, output);
        return output.ToString();
    }

    private static InvalidOperationException Thrown()
    {
        try
        {
            throw new InvalidOperationException("the first line\nthe second\u001b[2J", new IOException("inner\r\nline"));
        }
        catch (InvalidOperationException error)
        {
            return error;
        }
    }

    private sealed class RecordedScopes : ILogger, IDisposable
    {
        public Dictionary<string, object> Values { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
        {
            foreach (var (name, value) in (IEnumerable<KeyValuePair<string, object>>)state) Values[name] = value;
            return this;
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
        }

        public void Dispose()
        {
        }
    }
}
