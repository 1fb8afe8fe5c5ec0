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
    /// <summary>Makes the command for people.</summary>
    public static Command CreateUsers(ProgramContext context)
    {
        var command = new Command("users", "People who may log in to the dashboard. Without any, only this machine reaches it, without login.")
        {
            CreateAddUser(context), CreateListUsers(context), CreateRemoveUser(context),
        };
        HelpWithExamples.Add(command, "batchgen users add anna --role operator", "batchgen users list");
        return command;
    }

    /// <summary>Makes the command for keys.</summary>
    public static Command CreateKeys(ProgramContext context)
    {
        var command = new Command("keys", "Keys of the HTTP API.") { CreateAddKey(context), CreateListKeys(context), CreateRevokeKey(context) };
        HelpWithExamples.Add(command, "batchgen keys add shop --role submitter --tenant default", "batchgen keys revoke shop");
        return command;
    }

    private static Command CreateAddUser(ProgramContext context)
    {
        var name = new Argument<string>("NAME") { Description = "Letters, digits and . _ @ -." };
        var role = new Option<string>("--role") { Description = "viewer or operator.", DefaultValueFactory = _ => Roles.Viewer };
        role.AcceptOnlyFromAmong(Roles.Viewer, Roles.Operator);
        var command = new Command("add", "Let a person log in, or give them a new password; the password is read from standard input.") { name, role };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var who = arguments.GetRequiredValue(name);
            if (who.Length > 100 || !who.All(c => char.IsLetterOrDigit(c) || c is '.' or '_' or '@' or '-')) throw CommandException.BadInput($"'{who}' is not a name: letters, digits and . _ @ -, at most 100.");
            if (context.IsTerminal) await context.Error.WriteAsync($"Password for {who}: ");
            var password = context.IsTerminal ? HiddenInput.ReadLine(context) : await context.Input.ReadLineAsync(cancellationToken);
            if (password is null || password.Length < PasswordHash.MinLength) throw CommandException.BadInput($"The password needs at least {PasswordHash.MinLength} letters.");
            await using var session = await QueueSession.OpenAsync(context, arguments.GetValue(CommandLine.Verbose), cancellationToken);
            await session.Get<AccessStore>().SaveAccountAsync(who, PasswordHash.Make(password), arguments.GetRequiredValue(role), cancellationToken);
            await context.Output.WriteLineAsync($"'{who}' may log in as {arguments.GetRequiredValue(role)}");
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen users add anna --role operator", "pass show anna | batchgen users add anna");
        return command;
    }

    private static Command CreateListUsers(ProgramContext context)
    {
        var command = new Command("list", "List people who may log in.");
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var session = await QueueSession.OpenAsync(context, arguments.GetValue(CommandLine.Verbose), cancellationToken);
            var table = new PlainTable("NAME", "ROLE");
            foreach (var account in await session.Get<AccessStore>().ListAccountsAsync(cancellationToken)) table.Add(account.Name, account.Role);
            table.Print(context);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen users list");
        return command;
    }

    private static Command CreateRemoveUser(ProgramContext context)
    {
        var name = new Argument<string>("NAME") { Description = "Who." };
        var command = new Command("remove", "Take a person's access away at once.") { name };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var session = await QueueSession.OpenAsync(context, arguments.GetValue(CommandLine.Verbose), cancellationToken);
            if (!await session.Get<AccessStore>().DeleteAccountAsync(arguments.GetRequiredValue(name), cancellationToken)) throw CommandException.Failed($"There is no '{arguments.GetRequiredValue(name)}'.");
            await context.Output.WriteLineAsync($"'{arguments.GetRequiredValue(name)}' may not log in any more");
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen users remove anna");
        return command;
    }

    private static Command CreateAddKey(ProgramContext context)
    {
        var name = new Argument<string>("NAME") { Description = "What it is for." };
        var role = new Option<string>("--role") { Description = "viewer, submitter or operator.", DefaultValueFactory = _ => Roles.Submitter };
        role.AcceptOnlyFromAmong(Roles.Viewer, Roles.Submitter, Roles.Operator);
        var tenant = new Option<string?>("--tenant") { Description = "Whose jobs a submitter submits and sees; default: 'default'." };
        var command = new Command("add", "Make a key; it is printed once and kept nowhere.") { name, role, tenant };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var kind = arguments.GetRequiredValue(role);
            var whose = arguments.GetValue(tenant) ?? (kind == Roles.Submitter ? "default" : null);
            if (whose is not null && kind != Roles.Submitter) throw CommandException.BadInput("--tenant goes with --role submitter; viewers and operators see all tenants.");
            await using var session = await QueueSession.OpenAsync(context, arguments.GetValue(CommandLine.Verbose), cancellationToken);
            var store = session.Get<AccessStore>();
            var tenants = await session.Get<TenantRegistry>().ListNamesAsync(cancellationToken);
            if (whose is not null && !tenants.Contains(whose, StringComparer.OrdinalIgnoreCase)) throw CommandException.BadInput($"There is no tenant '{whose}'; there are {string.Join(", ", tenants)}.");
            if ((await store.ListKeysAsync(cancellationToken)).Any(existing => existing.Name == arguments.GetRequiredValue(name)))
                throw CommandException.BadInput($"There is a key '{arguments.GetRequiredValue(name)}' already; give the new one another name.");
            var key = ApiKey.Make();
            await store.AddKeyAsync(arguments.GetRequiredValue(name), ApiKey.Hash(key), kind, whose, cancellationToken);
            await context.Output.WriteLineAsync(key);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen keys add shop --role submitter --tenant default", "KEY=$(batchgen keys add monitoring --role viewer)");
        return command;
    }

    private static Command CreateListKeys(ProgramContext context)
    {
        var command = new Command("list", "List keys.");
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var session = await QueueSession.OpenAsync(context, arguments.GetValue(CommandLine.Verbose), cancellationToken);
            var table = new PlainTable("NAME", "ROLE", "TENANT", "STATE");
            foreach (var key in await session.Get<AccessStore>().ListKeysAsync(cancellationToken)) table.Add(key.Name, key.Role, key.Tenant ?? "all", key.RevokedAt is null ? "in force" : "revoked");
            table.Print(context);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen keys list");
        return command;
    }

    private static Command CreateRevokeKey(ProgramContext context)
    {
        var name = new Argument<string>("NAME") { Description = "Which." };
        var command = new Command("revoke", "End a key at once.") { name };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var session = await QueueSession.OpenAsync(context, arguments.GetValue(CommandLine.Verbose), cancellationToken);
            if (!await session.Get<AccessStore>().RevokeKeyAsync(arguments.GetRequiredValue(name), cancellationToken)) throw CommandException.Failed($"There is no key '{arguments.GetRequiredValue(name)}' in force.");
            await context.Output.WriteLineAsync($"Key '{arguments.GetRequiredValue(name)}' is revoked");
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen keys revoke shop");
        return command;
    }
}
