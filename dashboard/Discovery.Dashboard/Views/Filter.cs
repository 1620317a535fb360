using Discovery.Catalog;

namespace Discovery.Dashboard.Views;

/// <summary>The filters that stand in the address.</summary>
internal static class Filter
{
    /// <summary>The value of <c>health</c> that means all but passing.</summary>
    public const string Unhealthy = "unhealthy";

    /// <summary>What is looked for: trimmed and cut to <see cref="Limits.FilterLength"/>.</summary>
    public static string Needle(string? text)
    {
        string trimmed = (text ?? "").Trim();
        return trimmed.Length > Limits.FilterLength ? trimmed[..Limits.FilterLength] : trimmed;
    }

    /// <summary>Whether the health is wanted; an unknown word wants all.</summary>
    public static bool Fits(Health health, string? wanted) => wanted switch
    {
        Unhealthy => health != Health.Passing,
        "critical" or "warning" or "starting" or "passing" => Wording.Of(health) == wanted,
        _ => true,
    };

    /// <summary>Whether the text occurs where one would look for it.</summary>
    public static bool Fits(ServiceInstance instance, string needle) =>
        Has(instance.Host, needle)
        || Has(instance.Id, needle)
        || Has(instance.Endpoint, needle)
        || Has(instance.Container?.Name, needle)
        || Has(instance.Container?.Image, needle)
        || (instance.Container?.Id.StartsWith(needle, StringComparison.OrdinalIgnoreCase) ?? false)
        || instance.Tags.Any(t => Has(t, needle));

    private static bool Has(string? text, string needle) => text?.Contains(needle, StringComparison.OrdinalIgnoreCase) ?? false;
}
