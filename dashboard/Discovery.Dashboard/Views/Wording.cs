using System.Globalization;
using Discovery.Catalog;

namespace Discovery.Dashboard.Views;

/// <summary>Values as pages say them; the same everywhere.</summary>
internal static class Wording
{
    /// <summary>The health's name in pages and query strings.</summary>
    public static string Of(Health health) => health switch
    {
        Health.Critical => "critical",
        Health.Warning => "warning",
        Health.Starting => "starting",
        _ => "passing",
    };

    /// <summary>The state's name.</summary>
    public static string Of(InstanceState state) => state switch
    {
        InstanceState.Draining => "draining",
        InstanceState.Maintenance => "maintenance",
        _ => "active",
    };

    /// <summary>How long ago, in one unit: <c>now</c>, <c>42 s ago</c>, <c>5 min ago</c>, <c>3 h ago</c>, <c>12 d ago</c>.</summary>
    /// <remarks>Hosts' clocks differ: what seems to lie ahead is <c>now</c>.</remarks>
    public static string Ago(DateTimeOffset then, DateTimeOffset now) => (now - then) switch
    {
        { TotalSeconds: < 2 } => "now",
        { TotalMinutes: < 1 } age => $"{(int)age.TotalSeconds} s ago",
        { TotalHours: < 1 } age => $"{(int)age.TotalMinutes} min ago",
        { TotalDays: < 2 } age => $"{(int)age.TotalHours} h ago",
        var age => $"{(int)age.TotalDays} d ago",
    };

    /// <summary>Date and time in UTC, as logs have it.</summary>
    public static string Absolute(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>The time of day in UTC: <c>13:05:59 UTC</c>.</summary>
    public static string Clock(DateTimeOffset time) => time.UtcDateTime.ToString("HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>For machines: the <c>datetime</c> attribute.</summary>
    public static string Machine(DateTimeOffset time) => time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    /// <summary>Bytes in powers of 1024 with one digit.</summary>
    public static string Bytes(long count) => count switch
    {
        < 1024 => string.Create(CultureInfo.InvariantCulture, $"{count} B"),
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{count / 1024.0:0.0} KiB"),
        < 1024L * 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{count / (1024.0 * 1024):0.0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{count / (1024.0 * 1024 * 1024):0.0} GiB"),
    };

    /// <summary>A number with thin groups of three: <c>12 345</c>.</summary>
    public static string Number(long number) => number.ToString("#,0", Grouped);

    /// <summary>A number and its noun: <c>1 service</c>, <c>2 services</c>.</summary>
    public static string Count(int number, string noun) => $"{Number(number)} {noun}{(number == 1 ? "" : "s")}";

    /// <summary>A container's id as Docker's own tools shorten it.</summary>
    public static string ShortId(string id) => id.Length > 12 ? id[..12] : id;

    private static readonly NumberFormatInfo Grouped = new() { NumberGroupSeparator = "\u202f", NumberGroupSizes = [3] };
}
