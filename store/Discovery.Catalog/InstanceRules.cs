using System.Text.RegularExpressions;

namespace Discovery.Catalog;

/// <summary>What makes a record an instance; the same for those who write and those who read.</summary>
public static partial class InstanceRules
{
    /// <summary>What a service may be called, in words for messages.</summary>
    public const string ServiceNames = "1 to 63 of a-z 0-9 . _ -";

    /// <summary>Whether this may name a service.</summary>
    public static bool IsServiceName(string name) => ServiceName().IsMatch(name);

    /// <summary>Why the record cannot be used; null when it can.</summary>
    public static string? Problem(ServiceInstance instance) => instance switch
    {
        { Id.Length: 0 } => "id is empty",
        _ when !IsServiceName(instance.Service) => $"service is \"{instance.Service}\"; it must be {ServiceNames}",
        { Address.Length: 0 } => "address is empty",
        { Port: < 1 or > 65535 } => $"port is {instance.Port}; it must be from 1 to 65535",
        { Weight: < 0 or > 1000 } => $"weight is {instance.Weight}; it must be from 0 to 1000",
        _ => null,
    };

    [GeneratedRegex(@"\A[a-z0-9._-]{1,63}\z")]
    private static partial Regex ServiceName();
}
