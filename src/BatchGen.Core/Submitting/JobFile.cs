using System.Globalization;
using System.Text.Json;
using BatchGen.Core.Jobs;
using BatchGen.Core.Texts;

namespace BatchGen.Core.Submitting;

/// <summary>Reads lists of jobs: a JSON array or object, JSON lines, or CSV with a header row.</summary>
/// <remarks>
/// A row stands for the jobs of a <see cref="JobTemplate"/>: its prompt is a template, a field <c>{colour}</c> says what that word in the
/// prompt stands for, and it may have several seeds or a count. A list is read twice: once to check and count all of it, and again while
/// its jobs are taken, so that a long list is never held in memory (except for a JSON array, which is one text).
/// </remarks>
public static class JobFile
{
    private const int MaxProblems = 1000;

    /// <summary>The fields that rows may have, named in snake_case.</summary>
    public static IReadOnlyCollection<string> FieldNames => RowField.Names;

    /// <summary>Reads a text; its file name or first character says whether it is JSON, JSON lines or CSV.</summary>
    /// <param name="text">Content of the whole file.</param>
    /// <param name="name">File name; its ending decides, else the first character does.</param>
    /// <param name="times">The date and zone that short forms of times refer to.</param>
    /// <param name="defaults">The values that rows get for fields they leave out; null gives none.</param>
    /// <exception cref="JobFileException">Some rows or fields cannot be read; the message names each.</exception>
    public static JobList Read(string text, string name, TimeReference times, JobTemplate? defaults = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Read(() => new StringReader(text), name, times, defaults);
    }

    /// <summary>Reads a list; its file name or first character says whether it is JSON, JSON lines or CSV.</summary>
    /// <param name="open">Opens the list from its start; called now, and again each time its jobs are taken.</param>
    /// <param name="name">File name; its ending decides, else the first character does.</param>
    /// <param name="times">The date and zone that short forms of times refer to.</param>
    /// <param name="defaults">The values that rows get for fields they leave out; null gives none.</param>
    /// <exception cref="JobFileException">Some rows or fields cannot be read; the message names each.</exception>
    public static JobList Read(Func<TextReader> open, string name, TimeReference times, JobTemplate? defaults = null)
    {
        ArgumentNullException.ThrowIfNull(open);
        ArgumentNullException.ThrowIfNull(name);
        var read = Path.GetExtension(name).ToLowerInvariant() switch
        {
            ".csv" or ".tsv" => ReadCsv,
            ".jsonl" or ".ndjson" => ReadJsonLines,
            ".json" => ReadJson,
            _ => FirstLetter(open) switch
            {
                '[' => ReadJson,
                '{' => ReadJsonLines,
                _ => (Func<TextReader, IEnumerable<Row>>)ReadCsv,
            },
        };
        return Check(() => Rows(open, read), times, defaults);
    }

    // Reports all problems at once; a list without problems is counted.
    private static JobList Check(Func<IEnumerable<Row>> rows, TimeReference times, JobTemplate? defaults)
    {
        var problems = new List<string>();
        var startImages = new HashSet<string>(StringComparer.Ordinal);
        var jobs = 0L;
        foreach (var row in rows())
        {
            if (row.Problem is not null)
            {
                problems.Add(row.Problem);
            }
            else if (Expand(row, times, defaults, problems) is { } expansion)
            {
                jobs += expansion.Count;
                if (expansion.StartImage is { } startImage) startImages.Add(startImage);
            }

            if (problems.Count >= MaxProblems) break;
        }

        if (problems.Count > 0) throw new JobFileException(problems);
        if (jobs == 0) throw new JobFileException("The file holds no jobs.");
        return new JobList(jobs, startImages, () => rows().Select(row =>
        {
            // Nothing is found here unless the file was changed meanwhile.
            var found = new List<string>();
            if (row.Problem is { } problem) throw new JobFileException(problem);
            return (row.Where, Expand(row, times, defaults, found) ?? throw new JobFileException(found));
        }));
    }

    private static JobExpansion? Expand(Row row, TimeReference times, JobTemplate? defaults, List<string> problems)
    {
        var template = new JobTemplate { Job = new JobRequest() };
        var before = problems.Count;
        foreach (var (name, value) in row.Fields(times))
        {
            if (RowField.Resolve(name) is not { } field)
            {
                problems.Add(NoField(row.Where, name, problems.Count));
                if (problems.Count >= MaxProblems) return null;
                continue;
            }

            try
            {
                if (value is not null) template = RowField.Set(template, field, value);
            }
            catch (FormatException failure)
            {
                problems.Add(Problem(field, failure));
            }
        }

        if (problems.Count > before) return null;
        try
        {
            return (defaults is null ? template : template.FillIn(defaults)).Expand();
        }
        catch (JobTemplateException failure)
        {
            problems.Add(Problem(failure.Field, failure));
            return null;
        }

        string Problem(string field, FormatException failure) =>
            $"{row.Where}, {field}: {failure.Message}{(failure.Message[^1] is '.' or '?' ? "" : ".")}";
    }

    private static IEnumerable<Row> Rows(Func<TextReader> open, Func<TextReader, IEnumerable<Row>> read)
    {
        using var reader = new BoundedText(open());
        foreach (var row in read(reader)) yield return row;
    }

    private static char FirstLetter(Func<TextReader> open)
    {
        using var reader = open();
        while (reader.Read() is >= 0 and var letter)
            if (letter != '\uFEFF' && !char.IsWhiteSpace((char)letter)) return (char)letter;
        return '\0';
    }

    private static IEnumerable<Row> ReadJsonLines(TextReader reader)
    {
        for (var line = 1; reader.ReadLine() is { } text; line++)
        {
            text = text.TrimStart('\uFEFF');
            if (string.IsNullOrWhiteSpace(text)) continue;
            var where = string.Create(CultureInfo.InvariantCulture, $"Line {line}");
            var (document, problem) = ParseJson(text, where);
            using (document)
            {
                if (document is not null)
                {
                    yield return new Row(where, document.RootElement);
                    continue;
                }
            }

            // One JSON object written over several lines, as people paste it, is not JSON lines but can be read in one way only.
            if (line == 1)
            {
                var rest = reader.ReadToEnd();
                using var whole = ParseJson(text + '\n' + rest, where).Document;
                if (whole is not null)
                {
                    yield return new Row("The job", whole.RootElement);
                    yield break;
                }

                reader = new StringReader(rest);
            }

            yield return new Row(problem!);
        }
    }

    private static IEnumerable<Row> ReadJson(TextReader reader)
    {
        var (document, problem) = ParseJson(reader.ReadToEnd().TrimStart('\uFEFF'), "The file");
        using (document)
        {
            if (document is null)
            {
                yield return new Row(problem!);
            }
            else if (document.RootElement.ValueKind == JsonValueKind.Array)
            {
                var index = 0;
                foreach (var element in document.RootElement.EnumerateArray())
                    yield return new Row(string.Create(CultureInfo.InvariantCulture, $"Job {++index}"), element);
            }
            else
            {
                yield return new Row("The job", document.RootElement);
            }
        }
    }

    // The first row names the fields; an empty cell leaves its field out.
    private static IEnumerable<Row> ReadCsv(TextReader reader)
    {
        string[]? fields = null;
        foreach (var row in CsvText.Read(reader))
        {
            if (fields is null)
            {
                fields = ReadHeader(row.Fields);
                continue;
            }

            var where = string.Create(CultureInfo.InvariantCulture, $"Row {row.Line}");
            yield return row.Fields.Length == fields.Length
                ? new Row(where, fields, row.Fields)
                : new Row($"{where}: has {row.Fields.Length} fields, the header has {fields.Length}; "
                    + "put fields that hold a separator into quotes.");
        }

        if (fields is null)
            throw new JobFileException("The file is empty; its first row must name the fields, for example 'prompt,seed,adapters'.");
    }

    private static string[] ReadHeader(string[] names)
    {
        var problems = new List<string>();
        var fields = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in names.Select(name => name.Trim()))
        {
            var field = RowField.Resolve(name);
            if (field is null) problems.Add(NoField("Header", name, problems.Count) + HintOfWord(name, problems.Count));
            else if (!known.Add(field)) problems.Add($"Header: the field '{ShortText.Of(field)}' is named twice.");
            else fields.Add(field);
            if (problems.Count >= MaxProblems) break;
        }

        return problems.Count == 0 ? fields.ToArray() : throw new JobFileException(problems);
    }

    // Hints take longer than all else, and only the first problems are shown.
    private static string NoField(string where, string name, int problemsBefore) => $"{where}: there is no field '{ShortText.Of(name)}'."
        + (problemsBefore < JobFileException.MaxShown ? " " + NearestName.Hint(name, RowField.Names) : "");

    private static string HintOfWord(string name, int problemsBefore) =>
        problemsBefore < JobFileException.MaxShown && NearestName.Of(name, RowField.Names) is null
            && RowField.Resolve($"{{{name}}}") is not null
            ? $" A column of words for the prompts is named with braces: {{{ShortText.Of(name)}}}."
            : "";

    private static (JsonDocument? Document, string? Problem) ParseJson(string text, string where)
    {
        try
        {
            return (JsonDocument.Parse(text), null);
        }
        catch (JsonException failure)
        {
            var position = failure.LineNumber is { } line
                ? string.Create(CultureInfo.InvariantCulture, $" (line {line + 1}, byte {failure.BytePositionInLine + 1})")
                : "";
            return (null, $"{where}: is not JSON{position}: {failure.Message.Split(" LineNumber:")[0]}");
        }
    }

    /// <summary>A row as the list has it; its values are read before the next row is.</summary>
    private sealed class Row
    {
        private readonly JsonElement _json;
        private readonly string[]? _names;
        private readonly string[]? _cells;

        public Row(string problem) => (Where, Problem) = ("", problem);

        public Row(string where, string[] names, string[] cells) => (Where, _names, _cells) = (where, names, cells);

        public Row(string where, JsonElement json)
        {
            (Where, _json) = (where, json);
            if (json.ValueKind != JsonValueKind.Object)
            {
                Problem = $"{where}: expected an object such as {{\"prompt\":\"a red circle\"}}, "
                    + $"found {json.ValueKind.ToString().ToLowerInvariant()}.";
            }
        }

        /// <summary>The place that messages name, such as <c>Row 3</c>.</summary>
        public string Where { get; }

        /// <summary>Why the row cannot be read at all, or null.</summary>
        public string? Problem { get; }

        /// <summary>Names and values of the row's fields; a value is null where JSON says null.</summary>
        public IEnumerable<(string Name, FieldValue? Value)> Fields(TimeReference times)
        {
            if (_names is not null)
            {
                return _names.Zip(_cells!)
                    .Where(pair => pair.Second.Length > 0 || RowField.MayBeEmpty(pair.First))
                    .Select(pair => (pair.First, (FieldValue?)FieldValue.Of(pair.Second, times)));
            }

            return _json.EnumerateObject().Select(property => (
                FieldValue.NameOf(property),
                property.Value.ValueKind == JsonValueKind.Null ? null : FieldValue.Of(property.Value, times)));
        }
    }
}
