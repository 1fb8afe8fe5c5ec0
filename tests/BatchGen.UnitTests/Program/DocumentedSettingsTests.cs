using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using BatchGen.Composition;
using BatchGen.Testing;
using Microsoft.Extensions.Configuration;

namespace BatchGen.UnitTests.Program;

/// <summary>Every value of a setting that the settings file or docs/operations.md names is taken, and read as what it says.</summary>
public sealed partial class DocumentedSettingsTests
{
    private static readonly string[] Pages = ["appsettings.json", "docs/operations.md", "both ends of its range"];

    /// <summary>Key below <c>BatchGen</c>, value, and where it is documented.</summary>
    public static TheoryData<string, string, string> Values
    {
        get
        {
            var settings = new SortedDictionary<string, PropertyInfo>(StringComparer.Ordinal);
            Collect(typeof(BatchGenOptions), "", settings);
            var file = new ConfigurationBuilder().AddJsonFile(Path.Combine(RepositoryPaths.Root, "appsettings.json")).Build();
            var data = new TheoryData<string, string, string>();
            foreach (var (key, property) in settings)
            {
                if (file[$"BatchGen:{key}"] is { Length: > 0 } shown) data.Add(key, shown, Pages[0]);
                foreach (var value in OnPage(key, property)) data.Add(key, value, Pages[1]);
                foreach (var value in EndsOfRange(property)) data.Add(key, value, Pages[2]);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Values))]
    public void A_documented_value_is_accepted(string key, string value, string page)
    {
        Assert.Contains(page, Pages);
        var settings = new Dictionary<string, string?>(StringComparer.Ordinal) { [$"BatchGen:{key}"] = value };
        // A heartbeat must fit into the lease: each is tried beside a value of the other that leaves room for it.
        if (key == "Worker:HeartbeatInterval") settings["BatchGen:Queue:LeaseDuration"] = "01:00:00";
        if (key == "Queue:LeaseDuration") settings["BatchGen:Worker:HeartbeatInterval"] = "00:00:01";
        var read = Settings.Read(ProgramRun.Context(settings: settings)).Options;
        Assert.Equal(value, Text(key, read), ignoreCase: true); // JSON's true is .NET's True.
    }

    [Theory]
    [InlineData("Diffusion:FuseMode", "auto", "in-place", "in-place-master", "overlay")]
    [InlineData("Diffusion:ComputeType", "auto", "bfloat16", "float16", "float32")]
    [InlineData("Diffusion:Device", "auto", "cpu", "cuda", "cuda:1")]
    public void The_values_of_a_setting_are_found_on_the_page(string key, params string[] values)
    {
        var found = Values.Select(row => row.Data).Where(row => row.Item1 == key && row.Item3 == Pages[1]).Select(row => row.Item2);
        Assert.Equal(values, found.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_value_of_a_setting_that_is_an_enumeration_stands_on_the_page()
    {
        var settings = new SortedDictionary<string, PropertyInfo>(StringComparer.Ordinal);
        Collect(typeof(BatchGenOptions), "", settings);
        Assert.All(settings.Where(setting => setting.Value.PropertyType.IsEnum), setting =>
        {
            var converter = TypeDescriptor.GetConverter(setting.Value.PropertyType);
            var names = Enum.GetValues(setting.Value.PropertyType).Cast<object>().Select(converter.ConvertToInvariantString);
            Assert.Superset(OnPage(setting.Key, setting.Value).ToHashSet(), names.ToHashSet()!);
        });
    }

    // What stands in code quotes in the row of a setting, where the setting is text or a choice: names, links and numbers are said in
    // words there, and the settings file has their defaults.
    private static IEnumerable<string> OnPage(string key, PropertyInfo property)
    {
        if (property.PropertyType != typeof(string) && !property.PropertyType.IsEnum) return [];
        var (section, name) = (key.Split(':')[0], key.Split(':')[^1]);
        var page = File.ReadAllText(Path.Combine(RepositoryPaths.Root, "docs", "operations.md"));
        var head = $"| section `BatchGen:{section}`";
        var table = page.Split("\n\n").SingleOrDefault(block => block.StartsWith(head, StringComparison.Ordinal));
        var cells = table?.Split('\n').Select(row => row.Split(" | ")).SingleOrDefault(row => row[0] == $"| `{name}`");
        if (cells is null) return [];
        return cells.Skip(1)
            .SelectMany(cell => Quoted().Matches(cell).Select(match => match.Groups["text"].Value))
            .Select(value => value.Replace(":N", ":1", StringComparison.Ordinal))
            .Where(value => !IsName(value))
            .Distinct(StringComparer.Ordinal);
    }

    // Other settings, tables and files that a row speaks of.
    private static bool IsName(string value) => OtherNames().IsMatch(value);

    private static IEnumerable<string> EndsOfRange(PropertyInfo property)
    {
        if (property.GetCustomAttribute<RangeAttribute>() is not { } range) return [];
        return new[] { range.Minimum, range.Maximum }.Select(end => end switch
        {
            // The attribute keeps ends beyond 32 bits as floating-point numbers.
            double number when property.PropertyType == typeof(long) =>
                (number >= long.MaxValue ? long.MaxValue : (long)number).ToString(CultureInfo.InvariantCulture),
            string span when property.PropertyType == typeof(TimeSpan) => TimeSpan.Parse(span, CultureInfo.InvariantCulture).ToString(),
            _ => Convert.ToString(end, CultureInfo.InvariantCulture)!,
        });
    }

    private static string Text(string key, object options)
    {
        object value = options;
        var type = typeof(object);
        foreach (var name in key.Split(':'))
        {
            var property = value.GetType().GetProperty(name)!;
            (value, type) = (property.GetValue(value)!, property.PropertyType);
        }

        return value is IList list
            ? string.Join(",", list.Cast<object>())
            : TypeDescriptor.GetConverter(type).ConvertToInvariantString(value)!;
    }

    private static void Collect(Type type, string prefix, SortedDictionary<string, PropertyInfo> settings)
    {
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (OptionsReader.IsSection(property)) Collect(property.PropertyType, $"{prefix}{property.Name}:", settings);
            else settings[prefix + property.Name] = property;
        }
    }

    [GeneratedRegex("`(?<text>[^`]+)`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Quoted();

    [GeneratedRegex("^([A-Z][a-z]+([A-Z][a-z]+)+|[a-z]+(_[a-z]+)+|NAME.*)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OtherNames();
}
