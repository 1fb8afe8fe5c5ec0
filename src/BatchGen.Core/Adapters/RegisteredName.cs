namespace BatchGen.Core.Adapters;

/// <summary>The rule for names of models and adapters; the database enforces the same one.</summary>
public static class RegisteredName
{
    /// <summary>The rule, as error messages state it.</summary>
    public const string Rule =
        "Names have 1 to 100 characters: letters, digits, '.', '_', '-' and spaces inside; no '|', '@', '+', ':', '[' or '/'.";

    /// <summary>True when the text may be registered as a name.</summary>
    public static bool IsValid(string? name) =>
        name is { Length: > 0 and <= 100 }
        && name[0] != ' ' && name[^1] != ' '
        && name.All(c => char.IsLetterOrDigit(c) || c is '.' or '_' or '-' or ' ');
}
