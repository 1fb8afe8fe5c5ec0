using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace BatchGen.UnitTests.SourceForm;

/// <summary>A piece of code that is read as a whole: a body with its braces, or the expression after <c>=&gt;</c>.</summary>
/// <param name="Path">Path of the file from the root of the checkout.</param>
/// <param name="Line">Line on which it begins, from 1.</param>
/// <param name="Name">What it belongs to.</param>
/// <param name="Lines">Lines from the first to the last, both counted.</param>
internal sealed record CodeBlock(string Path, int Line, string Name, int Lines)
{
    public override string ToString() => $"{Path}:{Line} {Name}: {Lines} lines";
}

/// <summary>Measures the bodies of methods, constructors, accessors, operators, local functions and lambdas,
/// and of SQL functions.</summary>
internal static partial class BlockLengths
{
    /// <summary>All blocks of a C# file. Constructors of networks are left out: they list the layers of a published architecture.</summary>
    public static IEnumerable<CodeBlock> InCSharp(SourceFile file)
    {
        var isNetwork = file.Path.StartsWith("src/BatchGen.Diffusion/Models/", StringComparison.Ordinal);
        foreach (var node in file.Tree.DescendantNodes())
        {
            if (isNetwork && node is ConstructorDeclarationSyntax) continue;
            if (BodyOf(node) is { } body) yield return Measure(file, body, NameOf(node));
        }

        // Statements outside every type are the body of the program's entry point.
        var statements = file.Tree.ChildNodes().OfType<GlobalStatementSyntax>().ToArray();
        if (statements is [var first, ..])
            yield return Measure(file, first, "top-level statements", statements.Last().Span.End);
    }

    /// <summary>Bodies of a SQL file that stand between dollar quotes: functions, procedures and <c>do</c> blocks.</summary>
    public static IEnumerable<CodeBlock> InSql(SourceFile file)
    {
        foreach (Match body in DollarQuoted().Matches(file.Text))
        {
            var before = file.Text[..body.Index];
            var names = FunctionName().Matches(before);
            var name = names is [.., { } last] && last.Groups["name"].Success ? last.Groups["name"].Value : "do block";
            yield return new CodeBlock(file.Path, before.Count(c => c == '\n') + 1, name, body.Value.Count(c => c == '\n') + 1);
        }
    }

    private static SyntaxNode? BodyOf(SyntaxNode node) => node switch
    {
        BaseMethodDeclarationSyntax method => (SyntaxNode?)method.Body ?? method.ExpressionBody,
        LocalFunctionStatementSyntax function => (SyntaxNode?)function.Body ?? function.ExpressionBody,
        AccessorDeclarationSyntax accessor => (SyntaxNode?)accessor.Body ?? accessor.ExpressionBody,
        PropertyDeclarationSyntax property => property.ExpressionBody,
        IndexerDeclarationSyntax indexer => indexer.ExpressionBody,
        AnonymousFunctionExpressionSyntax lambda => lambda.Block,
        _ => null,
    };

    private static string NameOf(SyntaxNode node) => node switch
    {
        MethodDeclarationSyntax method => TypeOf(node) + method.Identifier.Text,
        ConstructorDeclarationSyntax => TypeOf(node) + "constructor",
        LocalFunctionStatementSyntax function => TypeOf(node) + function.Identifier.Text,
        PropertyDeclarationSyntax property => TypeOf(node) + property.Identifier.Text,
        AnonymousFunctionExpressionSyntax => TypeOf(node) + "lambda",
        AccessorDeclarationSyntax accessor => TypeOf(node) + accessor.Keyword.Text,
        _ => TypeOf(node) + "member",
    };

    private static string TypeOf(SyntaxNode node) =>
        node.Ancestors().OfType<BaseTypeDeclarationSyntax>().FirstOrDefault() is { } type ? type.Identifier.Text + "." : "";

    private static CodeBlock Measure(SourceFile file, SyntaxNode body, string name, int? end = null)
    {
        var first = file.LineOf(body.SpanStart);
        return new CodeBlock(file.Path, first, name, file.LineOf(end ?? body.Span.End) - first + 1);
    }

    [GeneratedRegex(@"(?<quote>\$[a-z_]*\$).*?\k<quote>", RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex DollarQuoted();

    [GeneratedRegex(@"^create\s+(or\s+replace\s+)?(function|procedure)\s+(?<name>[a-z0-9_.]+)|^do\b",
        RegexOptions.Multiline | RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture)]
    private static partial Regex FunctionName();
}
