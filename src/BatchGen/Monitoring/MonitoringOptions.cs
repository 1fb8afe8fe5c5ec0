using System.ComponentModel.DataAnnotations;

namespace BatchGen.Monitoring;

/// <summary>Where metrics and traces go; section <c>BatchGen:Monitoring</c>.</summary>
public sealed class MonitoringOptions : IValidatableObject
{
    /// <value>Address of a collector that takes OTLP, to which metrics and traces are sent; empty sends none.</value>
    public string OtlpEndpoint { get; set; } = "";

    /// <value>How the collector is spoken to: <c>grpc</c> or <c>http/protobuf</c>; <c>grpc</c>.</value>
    [RegularExpression("grpc|http/protobuf", ErrorMessage = "'grpc' or 'http/protobuf' is expected.")]
    public string OtlpProtocol { get; set; } = "grpc";

    /// <value>What other machines must send to read <c>/metrics</c> of a worker, as <c>Authorization: Bearer TOKEN</c>; empty lets this
    /// machine read it only.</value>
    public string MetricsToken { get; set; } = "";

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (OtlpEndpoint.Length == 0
            || (Uri.TryCreate(OtlpEndpoint, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"))
            yield break;
        yield return new ValidationResult(
            $"'{OtlpEndpoint}' is not an address such as http://127.0.0.1:4317.", [nameof(OtlpEndpoint)]);
    }
}
