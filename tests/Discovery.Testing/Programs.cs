namespace Discovery.Testing;

/// <summary>The three programs, as built.</summary>
public static class Programs
{
    /// <summary>Sidecar, store and operator commands.</summary>
    public static string Discovery => Repository.Program("Discovery.Sidecar", "discovery");

    /// <summary>The proxy.</summary>
    public static string Proxy => Repository.Program("Discovery.Proxy", "discovery-proxy");

    /// <summary>The dashboard.</summary>
    public static string Dashboard => Repository.Program("Discovery.Dashboard", "discovery-dashboard");
}
