using System.Globalization;
using System.Runtime.CompilerServices;
using BatchGen.Queue.Inspection;
using BatchGen.Queue.Migrations;

namespace BatchGen.Doctor;

/// <summary>Whether the roles are there with their rights, logins that act for tenants exist, and producers have time limits.</summary>
internal sealed class RolesCheck() : DoctorCheck("roles", needsDatabase: true)
{
    // More would fill the screen; the command that mends them needs no list.
    private const int MostNamed = 5;

    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        CheckContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var report = await new RoleKeeper(context.OpenDatabase).InspectAsync(cancellationToken);
        if (report.MissingRoles.Count > 0)
        {
            yield return Warning($"Roles are missing: {string.Join(", ", report.MissingRoles)}.", context.Server,
                "Run as the owner of the schema: batchgen migrate. If the owner may create no roles, run as a superuser: "
                    + report.CreateStatements);
        }

        if (!report.KnowsGrants)
        {
            yield return Warning(
                "Rights can be compared by the owner of the schema only.", context.Server, "Run this command as the owner.");
        }

        if (report.MissingGrants.Count > 0)
        {
            yield return Wrong(string.Create(CultureInfo.InvariantCulture,
                $"{report.MissingGrants.Count} rights are missing: {Named(report.MissingGrants)}."), context.Server,
                "Run as the owner of the schema: batchgen migrate");
        }

        if (report.SurplusGrants.Count > 0)
        {
            yield return Warning(string.Create(CultureInfo.InvariantCulture,
                $"{report.SurplusGrants.Count} rights are there that nobody needs: {Named(report.SurplusGrants)}."), context.Server,
                "Run as the owner of the schema: batchgen migrate");
        }

        if (report.IsComplete) yield return Ok("The roles are there, with their rights.", context.Server);
        await foreach (var finding in LoginsAsync(context, report.KnowsGrants, cancellationToken)) yield return finding;
    }

    private async IAsyncEnumerable<Finding> LoginsAsync(
        CheckContext context, bool isOwner, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var inspector = new ServerInspector(context.OpenDatabase);
        if (isOwner)
        {
            foreach (var login in (await inspector.ListTenantLoginsAsync(cancellationToken)).Where(login => !login.MaySubmit))
            {
                var create = login.IsThere ? "" : $"create role {login.QuotedName} login; ";
                yield return Warning(login.IsThere
                    ? $"Login '{login.Name}' acts for tenant '{login.Tenant}' and is no member of batchgen_submitter."
                    : $"Login '{login.Name}' of tenant '{login.Tenant}' does not exist.", context.Server,
                    $"Run as a superuser: {create}grant batchgen_submitter to {login.QuotedName}");
            }
        }

        foreach (var producer in (await inspector.ListProducersAsync(cancellationToken)).Where(producer => producer.Missing.Length > 0))
        {
            yield return Warning($"Producer '{producer.Name}' may leave transactions open or run statements without a time limit.",
                context.Server,
                $"Run: batchgen migrate; or as a superuser: {producer.LimitStatements}");
        }
    }

    private static string Named(IReadOnlyList<string> grants) =>
        string.Join(", ", grants.Take(MostNamed)) + (grants.Count > MostNamed ? " and others" : "");
}
