namespace Discovery.Proxy.Tests;

/// <summary>Time that passes when the test says so; timestamps only.</summary>
internal sealed class ManualTimeProvider : TimeProvider
{
    private TimeSpan _elapsed = TimeSpan.FromHours(1);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _elapsed.Ticks;

    public void Advance(TimeSpan by) => _elapsed += by;
}
