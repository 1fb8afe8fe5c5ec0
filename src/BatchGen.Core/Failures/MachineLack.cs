namespace BatchGen.Core.Failures;

/// <summary>Something that one machine lacks although the registry names it: no job is to blame, and other machines may have it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">The adapter or model as registered; of images, their folder.</param>
/// <param name="Sha256">Lower-case hex SHA-256 that the registry names; empty for images.</param>
public sealed record MachineLack(LackKind Kind, string Name, string Sha256);

/// <summary>What a machine may lack; stored as a text code (<see cref="LackKinds"/>).</summary>
public enum LackKind
{
    /// <summary>The files of an adapter are missing, unreadable, or not those of the registry.</summary>
    Adapter,

    /// <summary>The files of a model are missing, unreadable, or not those of the registry.</summary>
    Model,

    /// <summary>Images cannot be written.</summary>
    Output,
}

/// <summary>The text codes of <see cref="LackKind"/>, which never change.</summary>
public static class LackKinds
{
    /// <summary>The text code, as the database spells it.</summary>
    public static string ToCode(this LackKind kind) => kind switch
    {
        LackKind.Adapter => "adapter",
        LackKind.Model => "model",
        LackKind.Output => "output",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown kind of lack"),
    };
}
