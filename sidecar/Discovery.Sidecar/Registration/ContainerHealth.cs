using System.Text;
using Discovery.Catalog;
using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar.Registration;

/// <summary>What Docker's HEALTHCHECK means for the instances of a container. Pure.</summary>
internal static class ContainerHealth
{
    /// <summary>The check's name in the record.</summary>
    public const string CheckName = "docker";

    /// <summary>The container's one check; null when its image has none.</summary>
    public static InstanceCheck? Check(ContainerState state)
    {
        // Docker stops checking a paused container and keeps its last word; nothing answers there all the same.
        if (state.Status == "paused")
        {
            return new() { Name = CheckName, Status = Health.Critical, Output = "the container is paused; docker unpause brings it back" };
        }

        return state.Health?.Status switch
        {
            "starting" => Of(Health.Starting),
            "healthy" => Of(Health.Passing),
            "unhealthy" => Of(Health.Critical),
            _ => null,
        };

        InstanceCheck Of(Health status) => new()
        {
            Name = CheckName,
            Status = status,
            Output = Cut(state.Health?.Log is { Length: > 0 } log ? log[^1].Output ?? "" : ""),
        };
    }

    /// <summary>
    /// How long after the engine's return "starting" is not believed: until the first probe must have ended, since an
    /// engine that restarts without its containers (live-restore) sets all of them back to "starting" and says nothing.
    /// </summary>
    public static TimeSpan Grace(ContainerConfig? config)
    {
        TimeSpan interval = OrDefault(config?.Healthcheck?.Interval);
        TimeSpan timeout = OrDefault(config?.Healthcheck?.Timeout);
        return interval + timeout > Limits.HealthGrace ? interval + timeout : Limits.HealthGrace;

        static TimeSpan OrDefault(long? nanoseconds) =>
            nanoseconds is > 0 and { } given ? TimeSpan.FromTicks(given / TimeSpan.NanosecondsPerTick) : TimeSpan.FromSeconds(30);
    }

    /// <summary>At most <see cref="Limits.CheckOutput"/> bytes, whole characters, no line end.</summary>
    internal static string Cut(string output)
    {
        string text = output.Trim();
        int bytes = 0, length = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > Limits.CheckOutput)
            {
                break;
            }

            length += rune.Utf16SequenceLength;
        }

        return text[..length];
    }
}
