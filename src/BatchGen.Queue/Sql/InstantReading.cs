#pragma warning disable NPG9001 // Type mappings of one's own are experimental in the driver, and the only way to read what it refuses.
using Npgsql.Internal;
using Npgsql.Internal.Postgres;

namespace BatchGen.Queue.Sql;

/// <summary>Reads instants of the database. It holds years before 1 and after 9999, which the program cannot: they are read as the first
/// and the last instant there is, so that one such row does not keep the others from being shown.</summary>
internal sealed class InstantReading : PgTypeInfoResolverFactory
{
    private static readonly DataTypeName Instant = new("pg_catalog.timestamptz");

    public override IPgTypeInfoResolver CreateResolver() => new Resolver();

    public override IPgTypeInfoResolver? CreateArrayResolver() => null;

    private sealed class Resolver : IPgTypeInfoResolver
    {
        private readonly TypeInfoMappingCollection _mappings = Map();

        // Only where the database says the type: what a parameter is taken for stays the driver's decision.
        public PgTypeInfo? GetTypeInfo(Type? type, DataTypeName? dataTypeName, PgSerializerOptions options) =>
            dataTypeName == Instant ? _mappings.Find(type, dataTypeName, options) : null;

        private static TypeInfoMappingCollection Map()
        {
            var mappings = new TypeInfoMappingCollection();
            mappings.AddStructType<DateTime>(
                Instant, static (options, mapping, _) => mapping.CreateInfo(options, new Converter()), isDefault: true);
            return mappings;
        }
    }

    private sealed class Converter : PgBufferedConverter<DateTime>
    {
        private static readonly DateTime Epoch = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        private static readonly long First = -Epoch.Ticks / TimeSpan.TicksPerMicrosecond;
        private static readonly long Last = (DateTime.MaxValue.Ticks - Epoch.Ticks) / TimeSpan.TicksPerMicrosecond;

        public override bool CanConvert(DataFormat format, out BufferRequirements bufferRequirements)
        {
            bufferRequirements = BufferRequirements.CreateFixedSize(sizeof(long));
            return format is DataFormat.Binary;
        }

        // Microseconds since 2000; infinities are the largest and the smallest number.
        protected override DateTime ReadCore(PgReader reader) =>
            Epoch.AddTicks(Math.Clamp(reader.ReadInt64(), First, Last) * TimeSpan.TicksPerMicrosecond);

        protected override void WriteCore(PgWriter writer, DateTime value)
        {
            if (value.Kind != DateTimeKind.Utc) throw new ArgumentException("An instant must be in UTC.", nameof(value));
            writer.WriteInt64((value.Ticks - Epoch.Ticks) / TimeSpan.TicksPerMicrosecond);
        }
    }
}
