using System.Collections;
using System.Globalization;
using System.Text.Json;
using BatchGen.Core.Jobs;

namespace BatchGen.Core.Submitting;

/// <summary>Reads lists of jobs: a JSON array or object, JSON lines, or CSV with a header row.</summary>
/// <remarks>Prompts are templates, a row may have several seeds or a count: a row stands for the jobs of a <see cref="JobTemplate"/>.</remarks>
public static class JobFile
{
    private const int MaxProblems = 1000;

    /// <summary>The fields jobs may have, in snake_case.</summary>
    public static IReadOnlyCollection<string> FieldNames => JobFields.Names;

    /// <summary>Reads a text whose form its file name or first character tells.</summary>
    /// <param name="text">The whole file.</param>
    /// <param name="name">File name; its ending decides, else the first character does.</param>
    /// <param name="clock">Gives the time and zone that short forms of times refer to.</param>
    /// <param name="defaults">What rows that leave a field out get; null gives nothing.</param>
    /// <exception cref="JobFileException">Names every row and field that cannot be read.</exception>
    public static JobList Read(string text, string name, TimeProvider clock, JobTemplate? defaults = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(name);
        return Path.GetExtension(name).ToLowerInvariant() switch
        {
            ".csv" or ".tsv" => ReadCsv(text, clock, defaults),
            ".jsonl" or ".ndjson" => ReadJsonLines(text, clock, defaults),
            ".json" => ReadJson(text, clock, defaults),
            _ => text.TrimStart('\uFEFF', ' ', '\t', '\r', '\n') is var start && start.StartsWith('[') ? ReadJson(text, clock, defaults)
                : start.StartsWith('{') ? ReadJsonLines(text, clock, defaults)
                : ReadCsv(text, clock, defaults),
        };
    }

    /// <summary>Reads one JSON object per line.</summary>
    /// <exception cref="JobFileException">Names every line and field that cannot be read.</exception>
    public static JobList ReadJsonLines(string text, TimeProvider clock, JobTemplate? defaults = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        // One object over several lines is what people paste; it is no JSON lines, but there is no doubt what it means.
        if (IsOneObject(text)) return ReadJson(text, clock, defaults);
        var jobs = new Builder(defaults);
        var line = 0;
        foreach (var part in text.TrimStart('\uFEFF').EnumerateLines())
        {
            line++;
            if (part.IsWhiteSpace()) continue;
            jobs.AddJson(part.ToString(), string.Create(CultureInfo.InvariantCulture, $"Line {line}"), clock);
        }

        return jobs.Finish();
    }

    /// <summary>Reads a JSON array of objects, or one object.</summary>
    /// <exception cref="JobFileException">Names every element and field that cannot be read.</exception>
    public static JobList ReadJson(string text, TimeProvider clock, JobTemplate? defaults = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        using var document = ParseJson(text.TrimStart('\uFEFF'), "The file");
        var jobs = new Builder(defaults);
        if (document.RootElement.ValueKind == JsonValueKind.Array)
        {
            var index = 0;
            foreach (var element in document.RootElement.EnumerateArray()) jobs.AddJson(element, string.Create(CultureInfo.InvariantCulture, $"Job {++index}"), clock);
        }
        else
        {
            jobs.AddJson(document.RootElement, "The job", clock);
        }

        return jobs.Finish();
    }

    /// <summary>Reads CSV: the first row names the fields, an empty cell leaves its field out.</summary>
    /// <exception cref="JobFileException">Names every row and column that cannot be read.</exception>
    public static JobList ReadCsv(string text, TimeProvider clock, JobTemplate? defaults = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[]? fields = null;
        var jobs = new Builder(defaults);
        foreach (var row in CsvText.Read(text))
        {
            if (fields is null)
            {
                fields = ReadHeader(row.Fields);
                continue;
            }

            var where = string.Create(CultureInfo.InvariantCulture, $"Row {row.Line}");
            if (row.Fields.Length != fields.Length)
                jobs.Problem($"{where}: has {row.Fields.Length} fields, the header has {fields.Length}; put fields that hold a separator into quotes.");
            else
                jobs.Add(fields.Zip(row.Fields).Where(pair => pair.Second.Length > 0).Select(pair => (pair.First, FieldValue.Of(pair.Second, clock))), where);
        }

        return fields is null ? throw new JobFileException("The file is empty; its first row must name the fields, for example 'prompt,seed,adapters'.") : jobs.Finish();
    }

    private static string[] ReadHeader(string[] names)
    {
        var problems = new List<string>();
        var fields = new List<string>();
        foreach (var name in names)
        {
            var field = JobFields.Resolve(name);
            if (field is null) problems.Add($"Header: there is no field '{name.Trim()}'. {NearestName.Hint(name.Trim(), JobFields.Names)}");
            else if (fields.Contains(field)) problems.Add($"Header: the field '{field}' is named twice.");
            else fields.Add(field);
        }

        return problems.Count == 0 ? fields.ToArray() : throw new JobFileException(problems);
    }

    private static bool IsOneObject(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text.TrimStart('\uFEFF'));
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static JsonDocument ParseJson(string text, string where)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException failure)
        {
            var position = failure.LineNumber is { } line ? string.Create(CultureInfo.InvariantCulture, $" (line {line + 1}, byte {failure.BytePositionInLine + 1})") : "";
            throw new JobFileException($"{where}: is not JSON{position}: {failure.Message.Split(" LineNumber:")[0]}");
        }
    }

    /// <summary>Collects rows and problems.</summary>
    private sealed class Builder(JobTemplate? defaults)
    {
        private readonly List<JobExpansion> _rows = [];
        private readonly List<string> _problems = [];

        public void Problem(string text)
        {
            _problems.Add(text);
            if (_problems.Count >= MaxProblems) throw new JobFileException(_problems);
        }

        public void AddJson(string text, string where, TimeProvider clock)
        {
            try
            {
                using var document = ParseJson(text, where);
                AddJson(document.RootElement, where, clock);
            }
            catch (JobFileException failure)
            {
                Problem(failure.Message);
            }
        }

        public void AddJson(JsonElement json, string where, TimeProvider clock)
        {
            if (json.ValueKind != JsonValueKind.Object)
            {
                Problem($"{where}: expected an object such as {{\"prompt\":\"a red circle\"}}, found {json.ValueKind.ToString().ToLowerInvariant()}.");
                return;
            }

            var values = new List<(string, FieldValue)>();
            foreach (var property in json.EnumerateObject())
            {
                if (JobFields.Resolve(property.Name) is not { } field) Problem($"{where}: there is no field '{property.Name}'. {NearestName.Hint(property.Name, JobFields.Names)}");
                else if (property.Value.ValueKind != JsonValueKind.Null) values.Add((field, FieldValue.Of(property.Value, clock)));
            }

            Add(values, where);
        }

        public void Add(IEnumerable<(string Field, FieldValue Value)> values, string where)
        {
            var row = new JobTemplate { Job = new JobRequest() };
            var before = _problems.Count;
            foreach (var (field, value) in values)
            {
                try
                {
                    row = JobFields.Set(row, field, value);
                }
                catch (FormatException failure)
                {
                    Problem(where, field, failure);
                }
            }

            if (_problems.Count > before) return;
            try
            {
                _rows.Add((defaults is null ? row : row.FillIn(defaults)).Expand());
            }
            catch (JobTemplateException failure)
            {
                Problem(where, failure.Field, failure);
            }
        }

        public JobList Finish()
        {
            if (_problems.Count > 0) throw new JobFileException(_problems);
            return _rows.Count > 0 ? new JobList(_rows) : throw new JobFileException("The file holds no jobs.");
        }

        private void Problem(string where, string field, FormatException failure) => Problem($"{where}, {field}: {failure.Message}{(failure.Message[^1] is '.' or '?' ? "" : ".")}");
    }
}

/// <summary>The jobs of a list, in order. Rows are kept; the jobs they stand for are made while they are read.</summary>
public sealed class JobList : IEnumerable<JobRequest>
{
    private readonly IReadOnlyList<JobExpansion> _rows;

    internal JobList(IReadOnlyList<JobExpansion> rows) => _rows = rows;

    /// <summary>How many jobs.</summary>
    public long Count => _rows.Sum(row => (long)row.Count);

    /// <summary>All jobs at once.</summary>
    /// <exception cref="JobFileException">They are more than <see cref="JobTemplate.MaxJobs"/>.</exception>
    public IReadOnlyList<JobRequest> ToList() => Count <= JobTemplate.MaxJobs
        ? [.. this]
        : throw new JobFileException($"The list expands to {Count} jobs; the limit here is {JobTemplate.MaxJobs}. Submit more with 'batchgen submit FILE' or through SQL.");

    /// <inheritdoc/>
    public IEnumerator<JobRequest> GetEnumerator() => _rows.SelectMany(row => row.Jobs()).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
