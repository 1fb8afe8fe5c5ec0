using System.Globalization;
using System.Runtime.CompilerServices;
using BatchGen.Queue.Migrations;

namespace BatchGen.Doctor;

/// <summary>Whether the schema is that of this program.</summary>
internal sealed class MigrationsCheck() : DoctorCheck("migrations", needsDatabase: true)
{
    // More would fill the screen; the command that mends them needs no list.
    private const int MostNamed = 5;

    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        CheckContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var schema = await new Migrator(context.OpenDatabase).InspectAsync(cancellationToken);
        var where = $"schema '{context.Settings.Options.Queue.Schema}' at {context.Server}";
        const string Migrate = "Run as the owner of the schema: batchgen migrate";
        // Before functions are compared, which fails where a call fits both.
        if (schema is { MigratedBy: not null, IsNewer: false, Refusal: null })
        {
            foreach (var other in await new FunctionMender(context.OpenDatabase).ListOverloadsAsync(cancellationToken))
                yield return Wrong(other.Problem, where, other.Advice);
        }

        if (schema.MigratedBy is null)
            yield return Wrong("There is no schema of BatchGen, or its first migration was interrupted.", where, Migrate);
        else if (schema.Refusal is { } refusal) yield return Wrong(refusal, where, "Use the program that the message names.");
        else if (schema.IsNewer)
        {
            yield return Warning($"BatchGen {schema.MigratedBy} migrated the schema, and this program is {schema.Program}.", where,
                "It serves this program too; update the program soon.");
        }
        else if (schema.Pending.Count > 0)
        {
            yield return Wrong($"The schema is older than this program: it lacks {string.Join(", ", schema.Pending)}.", where, Migrate);
        }
        else if (await new FunctionMender(context.OpenDatabase).InspectAsync(cancellationToken) is not { } differences)
        {
            yield return Ok($"The schema is that of BatchGen {schema.Program}. Whether somebody changed its functions, only an owner sees "
                + "that may create schemas.", where);
        }
        else if (differences.Count > 0)
        {
            var named = string.Join("; ", differences.Take(MostNamed).Select(difference => difference.What));
            yield return Wrong(string.Create(CultureInfo.InvariantCulture,
                $"Somebody changed functions or views of the schema ({differences.Count}): {named}."), where, Migrate);
        }
        else yield return Ok($"The schema is that of BatchGen {schema.Program}.", where);
    }
}
