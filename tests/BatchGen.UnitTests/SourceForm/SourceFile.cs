using BatchGen.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace BatchGen.UnitTests.SourceForm;

/// <summary>One file of the checkout, with its path from the root (parts separated by <c>/</c>) and its lines.</summary>
internal sealed class SourceFile
{
    private readonly Lazy<SyntaxNode> _tree;

    public SourceFile(string path, string text)
    {
        Path = path;
        Text = text;
        Lines = text.Split('\n').Select(line => line.TrimEnd('\r')).ToArray();
        _tree = new(() => CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Preview)).GetRoot());
    }

    public string Path { get; }

    public string Text { get; }

    public IReadOnlyList<string> Lines { get; }

    /// <summary>The syntax of a C# file, documentation comments included.</summary>
    public SyntaxNode Tree => _tree.Value;

    /// <summary>Number of the line, from 1, that holds a position of the syntax tree.</summary>
    public int LineOf(int position) => Tree.SyntaxTree.GetText().Lines.GetLineFromPosition(position).LineNumber + 1;

    /// <summary>Every file with one of the extensions in or below a folder of the checkout; build outputs are left out.</summary>
    public static IReadOnlyList<SourceFile> Read(string folder, params string[] extensions)
    {
        var root = RepositoryPaths.Root;
        return
        [
            .. Directory.EnumerateFiles(System.IO.Path.Combine(root, folder), "*", SearchOption.AllDirectories)
                .Where(path => extensions.Contains(System.IO.Path.GetExtension(path), StringComparer.Ordinal))
                .Select(path => (Full: path, Relative: System.IO.Path.GetRelativePath(root, path).Replace('\\', '/')))
                .Where(path => !path.Relative.Split('/').Any(part => part is "bin" or "obj"))
                .OrderBy(path => path.Relative, StringComparer.Ordinal)
                .Select(path => new SourceFile(path.Relative, File.ReadAllText(path.Full))),
        ];
    }
}
