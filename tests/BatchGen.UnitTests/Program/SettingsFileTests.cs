using System.Collections;
using System.ComponentModel;
using System.Reflection;
using System.Text.RegularExpressions;
using BatchGen.Composition;
using BatchGen.Testing;
using Microsoft.Extensions.Configuration;

namespace BatchGen.UnitTests.Program;

public class SettingsFileTests
{
    [Fact]
    public void The_settings_file_shows_every_setting_with_its_default()
    {
        var file = new ConfigurationBuilder().AddJsonFile(Path.Combine(RepositoryPaths.Root, "appsettings.json")).Build();
        var shown = file.GetSection("BatchGen").AsEnumerable(makePathsRelative: true).Where(pair => pair.Value is not null)
            .ToDictionary(pair => pair.Key, pair => pair.Value!, StringComparer.Ordinal);
        var defaults = new Dictionary<string, string>(StringComparer.Ordinal);
        Collect(new BatchGenOptions(), "", defaults);
        Assert.Equal(defaults.Keys.Order(StringComparer.Ordinal), shown.Keys.Order(StringComparer.Ordinal));
        Assert.All(defaults, pair => Assert.Equal(pair.Value, shown[pair.Key], ignoreCase: true)); // JSON's true is .NET's True.
    }

    [Fact]
    public void The_file_in_effect_is_that_of_the_project_and_no_copy() =>
        Assert.Equal(Path.Combine(RepositoryPaths.Root, "appsettings.json"), BatchGen.Composition.Settings.File);

    [Fact]
    public void The_operations_page_names_every_setting()
    {
        var page = File.ReadAllText(Path.Combine(RepositoryPaths.Root, "docs", "operations.md"));
        var keys = new Dictionary<string, string>(StringComparer.Ordinal);
        Collect(new BatchGenOptions(), "", keys);
        Assert.All(keys.Keys, key => Assert.Matches($"`({Regex.Escape(key.Split(':')[^1])}|BatchGen:{Regex.Escape(key)})`", page));
    }

    [Theory]
    [InlineData("00:00:10", "00:00:30", null)]
    [InlineData(
        "00:00:11", "00:00:30", "BatchGen:Worker:HeartbeatInterval: 00:00:11 is too long for BatchGen:Queue:LeaseDuration 00:00:30")]
    public async Task Settings_whose_lease_does_not_outlive_two_failed_heartbeats_are_refused(
        string heartbeat, string lease, string? refusal)
    {
        var run = await ProgramRun.RunAsync(["migrate"], settings: new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ConnectionStrings:BatchGen"] = "Host=127.0.0.1;Port=1;Timeout=2",
            ["BatchGen:Worker:HeartbeatInterval"] = heartbeat,
            ["BatchGen:Queue:LeaseDuration"] = lease,
        });
        Assert.Equal(refusal is null ? ExitCodes.NoDatabase : ExitCodes.BadInput, run.ExitCode);
        if (refusal is not null)
            Assert.Contains(refusal, Assert.Single(run.Error.Split('\n'), line => line.StartsWith("  ", StringComparison.Ordinal)),
                StringComparison.Ordinal);
    }

    private static void Collect(object options, string prefix, Dictionary<string, string> values)
    {
        foreach (var property in options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var value = property.GetValue(options);
            if (OptionsReader.IsSection(property)) Collect(value!, $"{prefix}{property.Name}:", values);
            else if (value is IList list) values[prefix + property.Name] = string.Join(",", list.Cast<object>()); // An empty list is "".
            else values[prefix + property.Name] = TypeDescriptor.GetConverter(property.PropertyType).ConvertToInvariantString(value) ?? "";
        }
    }
}
