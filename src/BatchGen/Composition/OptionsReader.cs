using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using BatchGen.Core.Submitting;
using Microsoft.Extensions.Configuration;

namespace BatchGen.Composition;

/// <summary>Reads options classes from configuration, with unknown keys as errors and all problems at once.</summary>
/// <remarks>The framework's binder stops at the first class that has a problem; a person who edits settings wants all of them.</remarks>
internal static class OptionsReader
{
    /// <summary>Fills an options object from a section.</summary>
    /// <exception cref="CommandException">One line for each unknown key, value of the wrong form and broken rule.</exception>
    public static void Read(IConfigurationSection section, object options)
    {
        var problems = new List<string>();
        Fill(section, options, problems);
        Check(section.Path, options, problems);
    }

    /// <summary>Fills an options object with what fits.</summary>
    /// <returns>One line for each unknown key, value of the wrong form and broken rule.</returns>
    public static IReadOnlyList<string> ReadWhatFits(IConfigurationSection section, object options)
    {
        var problems = new List<string>();
        Fill(section, options, problems);
        Validate(section.Path, options, problems);
        return problems;
    }

    /// <summary>Checks the rules of options that were changed since they were read.</summary>
    /// <exception cref="CommandException">One line for each broken rule.</exception>
    public static void Check(string where, object options) => Check(where, options, []);

    private static void Check(string path, object options, List<string> problems)
    {
        Validate(path, options, problems);
        if (problems.Count > 0)
            throw CommandException.BadInput(
                "The settings cannot be used:\n" + string.Join('\n', problems.Select(problem => "  " + problem)));
    }

    private static void Fill(IConfigurationSection section, object options, List<string> problems)
    {
        var properties = Properties(options).ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);
        foreach (var child in section.GetChildren())
        {
            if (!properties.TryGetValue(child.Key, out var property))
                problems.Add($"{child.Path}: there is no such setting. {NearestName.Hint(child.Key, properties.Keys)}");
            else if (IsSection(property)) Fill(child, property.GetValue(options)!, problems);
            else if (property.GetValue(options) is IList list && property.PropertyType.IsGenericType)
                FillList(child, property, list, problems);
            else SetValue(child, options, property, problems);
        }
    }

    // Either items (Key:0, Key:1, ...), or one text separated by commas, which is easier in an environment variable.
    private static void FillList(IConfigurationSection section, PropertyInfo property, IList list, List<string> problems)
    {
        var items = section.GetChildren().ToArray() is { Length: > 0 } children
            ? children.Select(child => child.Value ?? "")
            : (section.Value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        list.Clear();
        foreach (var item in items)
        {
            if (Convert(item, property.PropertyType.GetGenericArguments()[0], section.Path, problems) is { } value) list.Add(value);
        }
    }

    private static void SetValue(IConfigurationSection section, object options, PropertyInfo property, List<string> problems)
    {
        if (section.GetChildren().Any())
        {
            problems.Add($"{section.Path}: expected one value, found a group of settings.");
            return;
        }

        if (Convert(section.Value ?? "", Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType, section.Path,
            problems) is { } value)
            property.SetValue(options, value);
    }

    private static object? Convert(string text, Type type, string path, List<string> problems)
    {
        try
        {
            return TypeDescriptor.GetConverter(type).ConvertFromInvariantString(text);
        }
        catch (Exception failure) when (failure is ArgumentException or FormatException or NotSupportedException)
        {
            problems.Add($"{path}: '{text}' is not {Describe(type)}.");
            return null;
        }
    }

    private static string Describe(Type type) =>
        type == typeof(TimeSpan) ? "a time span such as 00:00:30"
        : type == typeof(bool) ? "true or false"
        : type.IsEnum ? "one of " + string.Join(
            ", ", Enum.GetValues(type).Cast<object>().Select(TypeDescriptor.GetConverter(type).ConvertToInvariantString))
        : type == typeof(int) || type == typeof(long) ? "a whole number"
        : "a number";

    private static void Validate(string path, object options, List<string> problems)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true);
        problems.AddRange(results.Select(result => $"{path}:{string.Join(", ", result.MemberNames)}: {result.ErrorMessage}"));
        foreach (var property in Properties(options).Where(IsSection))
            Validate($"{path}:{property.Name}", property.GetValue(options)!, problems);
    }

    private static PropertyInfo[] Properties(object options) =>
        options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance);

    /// <summary>True for a property that is a group of settings of its own.</summary>
    internal static bool IsSection(PropertyInfo property) => property.PropertyType.Name.EndsWith("Options", StringComparison.Ordinal);
}
