using System.CommandLine;
using BatchGen.Composition;
using BatchGen.Dashboard.Security;
using BatchGen.Output;
using BatchGen.Queue.Access;
using BatchGen.Queue.Registry;

namespace BatchGen.Commands;

/// <summary><c>batchgen users</c> and <c>batchgen keys</c>: who may use the dashboard and the HTTP API.</summary>
internal static class AccessCommands
{
    private const int MaxNameLength = 100;
    private const string NameRule = "letters, digits and . _ @ -";
    private const string DefaultTenant = "default";

    /// <summary>Makes the command for people.</summary>
    public static Command CreateUsers(ProgramContext context)
    {
        const string Purpose = "People who may log in to the dashboard. Without any, only this machine reaches it, without login.";
        var command = new Command("users", Purpose) { CreateAddUser(context), CreateListUsers(context), CreateRemoveUser(context) };
        HelpWithExamples.Add(command, "batchgen users add anna --role operator", "batchgen users list");
        return command;
    }

    /// <summary>Makes the command for keys.</summary>
    public static Command CreateKeys(ProgramContext context)
    {
        var command =
            new Command("keys", "Keys of the HTTP API.") { CreateAddKey(context), CreateListKeys(context), CreateRevokeKey(context) };
        HelpWithExamples.Add(command, "batchgen keys add shop --role submitter --tenant default", "batchgen keys revoke shop");
        return command;
    }

    private static Command CreateAddUser(ProgramContext context)
    {
        var name = new Argument<string>("NAME") { Description = $"Name to log in with: {NameRule}." };
        var role = new Option<string>("--role") { Description = "viewer or operator.", DefaultValueFactory = _ => Roles.Viewer };
        role.AcceptOnlyFromAmong(Roles.Viewer, Roles.Operator);
        const string Purpose = "Let a person log in, or give them a new password; the password is read from standard input.";
        var command = new Command("add", Purpose) { name, role };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var (user, given) = (arguments.GetRequiredValue(name), arguments.GetRequiredValue(role));
            if (!IsUserName(user)) throw CommandException.BadInput($"'{user}' is not a name: {NameRule}, at most {MaxNameLength}.");
            var password = await PasswordPrompt.ReadAsync(context, $"Password for {user}:", cancellationToken);
            if (password is null || password.Length < PasswordHash.MinLength)
                throw CommandException.BadInput($"The password needs at least {PasswordHash.MinLength} letters.");
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            await session.Access.SaveAccountAsync(user, PasswordHash.Make(password), given, cancellationToken);
            await context.Output.WriteLineAsync($"'{user}' may log in as {given}");
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen users add anna --role operator", "pass show anna | batchgen users add anna");
        return command;
    }

    private static bool IsUserName(string name) =>
        name.Length <= MaxNameLength && name.All(c => char.IsLetterOrDigit(c) || c is '.' or '_' or '@' or '-');

    private static Command CreateListUsers(ProgramContext context)
    {
        var command = new Command("list", "List people who may log in.");
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            var table = new TextTable("NAME", "ROLE");
            foreach (var account in await session.Access.ListAccountsAsync(cancellationToken)) table.Add(account.Name, account.Role);
            table.Print(context);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen users list");
        return command;
    }

    private static Command CreateRemoveUser(ProgramContext context)
    {
        var name = new Argument<string>("NAME") { Description = "The person's name, as 'batchgen users list' shows it." };
        var command = new Command("remove", "Take a person's access away at once.") { name };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var user = arguments.GetRequiredValue(name);
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            if (!await session.Access.DeleteAccountAsync(user, cancellationToken)) throw CommandException.Failed($"There is no '{user}'.");
            await context.Output.WriteLineAsync($"'{user}' may not log in any more");
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen users remove anna");
        return command;
    }

    private static Command CreateAddKey(ProgramContext context)
    {
        var name = new Argument<string>("NAME") { Description = "Name of the key, for example of the program that uses it." };
        var role =
            new Option<string>("--role") { Description = "viewer, submitter or operator.", DefaultValueFactory = _ => Roles.Submitter };
        role.AcceptOnlyFromAmong(Roles.Viewer, Roles.Submitter, Roles.Operator);
        var tenant =
            new Option<string?>("--tenant") { Description = $"Whose jobs a submitter submits and sees; default: '{DefaultTenant}'." };
        var command = new Command("add", "Make a key; it is printed once, and only its hash is stored.") { name, role, tenant };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var (given, keyName) = (arguments.GetRequiredValue(role), arguments.GetRequiredValue(name));
            var owner = arguments.GetValue(tenant) ?? (given == Roles.Submitter ? DefaultTenant : null);
            if (owner is not null && given != Roles.Submitter)
                throw CommandException.BadInput("--tenant goes with --role submitter; viewers and operators see all tenants.");
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            await RequireTenantAsync(session.Tenants, owner, cancellationToken);
            if ((await session.Access.ListKeysAsync(cancellationToken)).Any(existing => existing.Name == keyName))
                throw CommandException.BadInput($"There is a key '{keyName}' already; give the new one another name.");
            var key = ApiKey.Make();
            await session.Access.AddKeyAsync(keyName, ApiKey.Hash(key), given, owner, cancellationToken);
            await context.Output.WriteLineAsync(key);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(
            command, "batchgen keys add shop --role submitter --tenant default", "KEY=$(batchgen keys add monitoring --role viewer)");
        return command;
    }

    private static async Task RequireTenantAsync(TenantRegistry registry, string? tenant, CancellationToken cancellationToken)
    {
        if (tenant is null) return;
        var tenants = await registry.ListNamesAsync(cancellationToken);
        if (!tenants.Contains(tenant, StringComparer.OrdinalIgnoreCase))
            throw CommandException.BadInput($"There is no tenant '{tenant}'; there are {string.Join(", ", tenants)}.");
    }

    private static Command CreateListKeys(ProgramContext context)
    {
        var command = new Command("list", "List keys.");
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            var table = new TextTable("NAME", "ROLE", "TENANT", "STATE");
            foreach (var key in await session.Access.ListKeysAsync(cancellationToken))
                table.Add(key.Name, key.Role, key.Tenant ?? "all", key.RevokedAt is null ? "in force" : "revoked");
            table.Print(context);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen keys list");
        return command;
    }

    private static Command CreateRevokeKey(ProgramContext context)
    {
        var name = new Argument<string>("NAME") { Description = "Name of the key, as 'batchgen keys list' shows it." };
        var command = new Command("revoke", "End a key at once.") { name };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var key = arguments.GetRequiredValue(name);
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            if (!await session.Access.RevokeKeyAsync(key, cancellationToken))
                throw CommandException.Failed($"There is no key '{key}' in force.");
            await context.Output.WriteLineAsync($"Key '{key}' is revoked");
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen keys revoke shop");
        return command;
    }
}
