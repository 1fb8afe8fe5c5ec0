using System.Runtime.CompilerServices;
using BatchGen.Composition;
using BatchGen.Core.Registry;
using BatchGen.Core.Texts;
using BatchGen.Queue.Registry;

namespace BatchGen.Doctor;

/// <summary>Whether this machine has the files of the registered models that a worker here would serve.</summary>
internal sealed class ModelsCheck() : DoctorCheck("models", needsDatabase: true)
{
    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        CheckContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var served = context.Settings.Options.Worker.Models;
        var models = await new ModelRegistry(context.OpenDatabase).ListAsync(cancellationToken);
        foreach (var name in served.Where(name => !models.Any(model => IsNamed(model, name))))
        {
            yield return Warning($"BatchGen:Worker:Models names model '{name}', which is not registered.", null,
                "Register it with 'batchgen models add', or take it from the setting.");
        }

        if (models.Count == 0) yield return Warning("No model is registered.", null, "Register one with: batchgen models add PATH");
        var comparison = new FileComparison(context);
        foreach (var model in models.Where(model => served.Count == 0 || served.Any(name => IsNamed(model, name))))
            yield return await CompareAsync(model, context, comparison, cancellationToken);
    }

    private async Task<Finding> CompareAsync(
        ModelRecord model, CheckContext context, FileComparison comparison, CancellationToken cancellationToken)
    {
        foreach (var file in model.Files)
        {
            var path = file.RelativePath.Length == 0 ? model.Path : Path.Combine(model.Path, file.RelativePath);
            if (await comparison.DifferenceAsync(path, file.SizeBytes, file.Sha256, cancellationToken) is not { } difference) continue;
            context.LackedModels.Add(model.Name);
            var (what, remedy) = ($"Model '{model.Name}': its file {difference}.",
                "Put the registered file there, or let workers here serve other models (BatchGen:Worker:Models).");
            return RenderSupport.TorchBackend == "none" ? Warning(what, path, remedy) : Wrong(what, path, remedy);
        }

        var files = Quantities.Count(model.Files.Count, "file is", "files are");
        return Ok($"Model '{model.Name}': {files} as registered{(context.Quick ? ", by size" : "")}.", model.Path);
    }

    private static bool IsNamed(ModelRecord model, string name) => string.Equals(model.Name, name, StringComparison.OrdinalIgnoreCase);
}
