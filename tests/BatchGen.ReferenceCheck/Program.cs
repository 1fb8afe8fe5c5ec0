using System.Globalization;
using BatchGen.ReferenceCheck;

// Compares BatchGen's arithmetic with reference data: ReferenceCheck FOLDER [--set NAME=FOLDER]... [--filter TEXT]
const string Usage = """
    Usage: ReferenceCheck FOLDER [--set NAME=FOLDER]... [--filter TEXT]

      FOLDER             reference data: any of tokenizer_cases.json, forward/, schedulers/, lora/, e2e/, demo-golden/, each with its index
      --set NAME=FOLDER  where a model set that cases name lies (default: FOLDER itself); demo-model and
                         demo-adapters name those of demo-golden
      --filter TEXT      only cases whose name contains TEXT

    Prints a line for each case and a summary. Exit code: 0 all passed, 1 a case failed or none was found, 2 wrong usage.
    """;

string? folder = null;
string? filter = null;
var sets = new Dictionary<string, string>(StringComparer.Ordinal);
for (var i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--set" when i + 1 < args.Length && args[i + 1].Split('=', 2) is [var name, var path]:
            sets[name] = path;
            i++;
            break;
        case "--filter" when i + 1 < args.Length:
            filter = args[++i];
            break;
        case "--help" or "-h":
            Console.Out.WriteLine(Usage);
            return 0;
        case var argument when folder is null && !argument.StartsWith('-'):
            folder = argument;
            break;
        default:
            Console.Error.WriteLine($"'{args[i]}' is not understood.\n\n{Usage}");
            return 2;
    }
}

if (folder is null || sets.Values.Append(folder).FirstOrDefault(path => !Directory.Exists(path)) is { } missing && missing.Length > 0)
{
    Console.Error.WriteLine(folder is null ? Usage
        : "A folder given does not exist: " + string.Join(", ", sets.Values.Append(folder).Where(path => !Directory.Exists(path))));
    return 2;
}

var counts = new int[3];
foreach (var result in ReferenceRun.Run(folder, sets, filter))
{
    counts[(int)result.Status]++;
    Console.Out.WriteLine(result);
}

Console.Out.WriteLine(
    string.Create(CultureInfo.InvariantCulture, $"{counts.Sum()} cases: {counts[0]} passed, {counts[1]} failed, {counts[2]} unsupported"));
return counts[1] > 0 || counts.Sum() == 0 ? 1 : 0;
