using BatchGen.Core.Registry;

namespace BatchGen.Dashboard.Pages.Registry;

/// <summary>Registered models and adapters.</summary>
/// <param name="Models">The models.</param>
/// <param name="Adapters">The adapters.</param>
public sealed record RegistryModel(IReadOnlyList<ModelCard> Models, IReadOnlyList<AdapterCard> Adapters);

/// <summary>A registered model.</summary>
/// <param name="Model">The model.</param>
/// <param name="Paused">True while none of its jobs may be claimed.</param>
/// <param name="SampleJobId">A job whose image the model alone drew, or null.</param>
public sealed record ModelCard(ModelRecord Model, bool Paused, long? SampleJobId);

/// <summary>A registered adapter.</summary>
/// <param name="Adapter">The adapter.</param>
/// <param name="SampleJobId">A job whose image was drawn with this adapter alone, or null.</param>
public sealed record AdapterCard(AdapterRecord Adapter, long? SampleJobId);
