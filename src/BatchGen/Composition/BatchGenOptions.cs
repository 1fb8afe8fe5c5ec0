using System.ComponentModel.DataAnnotations;
using BatchGen.Queue;

namespace BatchGen.Composition;

/// <summary>All settings; section <c>BatchGen</c>. The root <c>appsettings.json</c> shows every key with its default.</summary>
public sealed class BatchGenOptions
{
    /// <value>Folder of the private database and the pictures; relative paths start at the project's folder; <c>var</c>.</value>
    [Required]
    public string DataFolder { get; set; } = "var";

    /// <summary>How jobs are claimed and leased.</summary>
    public QueueOptions Queue { get; } = new();
}
