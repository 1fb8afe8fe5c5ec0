using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using BatchGen.Dashboard;
using BatchGen.Testing;
using Microsoft.AspNetCore.Components;

namespace BatchGen.UnitTests.Dashboard;

/// <summary>Rules for razor components: what they are given, and that all HTML comes from them.</summary>
public class ComponentTests
{
    [Fact]
    public void Components_are_given_typed_models_without_dictionaries_and_tuples()
    {
        var components = typeof(DashboardOptions).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(ComponentBase)) && !type.IsAbstract).ToArray();
        Assert.NotEmpty(components);
        var problems = new List<string>();
        foreach (var parameter in components.SelectMany(component => component.GetProperties()))
        {
            if (parameter.GetCustomAttribute<ParameterAttribute>() is null) continue;
            problems.AddRange(Problems(parameter.PropertyType, $"{parameter.ReflectedType!.Name}.{parameter.Name}", []));
        }

        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    [Fact]
    public void No_HTML_is_put_together_from_strings()
    {
        var folder = Path.Combine(RepositoryPaths.Root, "src", "BatchGen.Dashboard");
        var sources = Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Where(file =>
            Path.GetExtension(file) is ".cs" or ".razor"
                && !Path.GetRelativePath(folder, file).StartsWith("obj", StringComparison.Ordinal));
        foreach (var source in sources)
        {
            var text = File.ReadAllText(source);
            Assert.DoesNotContain("MarkupString", text, StringComparison.Ordinal);
            Assert.DoesNotContain("AddMarkupContent", text, StringComparison.Ordinal);
            if (Path.GetExtension(source) == ".cs")
                Assert.DoesNotMatch("\"[^\"\\n]*</?(a|b|p|h[1-6]|br|div|span|table|td|tr|html|img|li|ul)[ >]", text);
        }
    }

    // Looks into the dashboard's own models; what lists hold counts, and what other projects declare is theirs.
    private static IEnumerable<string> Problems(Type type, string place, HashSet<Type> seen)
    {
        if (type == typeof(object)) return [$"{place} is an object"];
        if (typeof(ITuple).IsAssignableFrom(type)) return [$"{place} is a tuple"];
        if (type.GetInterfaces().Append(type).Any(IsDictionary)) return [$"{place} is a dictionary"];
        if (type.IsGenericType) return type.GetGenericArguments().SelectMany(argument => Problems(argument, place, seen));
        if (type.Assembly != typeof(DashboardOptions).Assembly || !seen.Add(type)) return [];
        return type.GetProperties().Where(property => property.GetIndexParameters().Length == 0)
            .SelectMany(property => Problems(property.PropertyType, $"{place}.{property.Name}", seen));
    }

    private static bool IsDictionary(Type type) =>
        type == typeof(IDictionary)
        || (type.IsGenericType && type.GetGenericTypeDefinition() is var open
            && (open == typeof(IDictionary<,>) || open == typeof(IReadOnlyDictionary<,>)));
}
