using System.Globalization;
using System.Runtime.CompilerServices;
using BatchGen.Queue.Inspection;
using BatchGen.Queue.Roles;
using BatchGen.Queue.Sql;

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
        var owners = new OwnerKeeper(context.OpenDatabase, context.Settings.Schemas);
        var ownersAreRight = true;
        await foreach (var finding in OwnersAsync(context, owners, cancellationToken))
        {
            ownersAreRight = false;
            yield return finding;
        }

        var report = await new RoleKeeper(context.OpenDatabase).InspectAsync(cancellationToken);
        if (report.MissingRoles.Count > 0)
        {
            yield return Warning($"Roles are missing: {string.Join(", ", report.MissingRoles)}.", context.Server,
                "Run as the owner of the schema: batchgen migrate. If the owner may create no roles, run as a superuser: "
                    + report.CreateStatements);
        }

        if (!report.KnowsGrants)
        {
            var owner = (await owners.ListOwnersAsync(cancellationToken))[0].Owner;
            yield return Warning(
                "Rights can be compared by the owner of the schema only.", context.Server, $"Run this command as its owner, '{owner}'.");
        }

        if (report.MissingGrants.Count > 0)
        {
            yield return Wrong(string.Create(CultureInfo.InvariantCulture,
                $"Rights are missing ({report.MissingGrants.Count}): {Named(report.MissingGrants)}."), context.Server,
                "Run as the owner of the schema: batchgen migrate");
        }

        if (report.SurplusGrants.Count > 0)
        {
            yield return Warning(string.Create(CultureInfo.InvariantCulture,
                $"Rights are there that nobody needs ({report.SurplusGrants.Count}): {Named(report.SurplusGrants)}."), context.Server,
                "Run as the owner of the schema: batchgen migrate");
        }

        foreach (var fault in report.Faults) yield return Wrong(fault.Problem, context.Server, fault.Advice);
        if (report.LoginGrants.Count > 0)
        {
            yield return Warning(
                $"Rights were given to single logins by hand: {Named([.. report.LoginGrants.Select(grant => grant.Described)])}.",
                context.Server, "If nobody means them, give those logins a role of the queue instead and run as the owner: "
                    + string.Join("; ", report.LoginGrants.Take(MostNamed).Select(grant => grant.Remedy)));
        }

        if (report.IsComplete && ownersAreRight && report.Faults.Count == 0 && report.LoginGrants.Count == 0)
            yield return Ok("The roles are there, with their rights.", context.Server);
        await foreach (var finding in LoginsAsync(context, report.KnowsGrants, cancellationToken)) yield return finding;
    }

    private async IAsyncEnumerable<Finding> OwnersAsync(
        CheckContext context, OwnerKeeper owners, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var schema in (await owners.ListOwnersAsync(cancellationToken)).Where(schema => schema.IsSuperuser))
        {
            var to = schema.Suggested is { } suggested ? QuotedName.Of(suggested) : "the login of workers and dashboard";
            yield return Warning(
                $"Schema '{schema.Schema}' belongs to '{schema.Owner}', which is superuser: its functions run with all rights"
                    + (schema.IsMember ? "." : ", and this login cannot migrate it."),
                context.Server,
                $"Run as a superuser: alter schema {QuotedName.Of(schema.Schema)} owner to {to}; and then, as a superuser too: "
                    + "batchgen migrate, which gives it all that the schema holds.");
        }

        var foreign = await owners.ListForeignAsync(cancellationToken);
        foreach (var others in foreign.GroupBy(one => (one.Owner, one.SchemaOwner)))
        {
            yield return Wrong(
                $"Not everything belongs to '{others.Key.SchemaOwner}', who owns the schema, but to '{others.Key.Owner}': "
                    + $"{Named([.. others.Select(one => one.Object)])}.",
                context.Server, "Run as a superuser: batchgen migrate");
        }
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
