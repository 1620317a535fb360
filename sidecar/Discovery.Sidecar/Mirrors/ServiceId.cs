using System.Text.RegularExpressions;

namespace Discovery.Sidecar.Mirrors;

/// <summary>
/// What an id says about who wrote it. registrator's form is <c>&lt;host&gt;:&lt;container&gt;:&lt;port&gt;[:udp]</c>; ours may end with
/// <c>@&lt;binding&gt;</c>. Ids of another form say nothing. Pure.
/// </summary>
internal static partial class ServiceId
{
    /// <summary>Whether the id was made on this host: its host part equals the name, not merely starts with it.</summary>
    public static bool IsOfHost(string id, string host) =>
        host.Length > 0
        && id.Length > host.Length
        && id[host.Length] == ':'
        && id.StartsWith(host, StringComparison.Ordinal)
        && AfterHost().IsMatch(id[(host.Length + 1)..]);

    // A container's name has no colon, so a host name that goes on after a colon cannot be taken for ours.
    [GeneratedRegex(@"\A[a-zA-Z0-9][a-zA-Z0-9_.-]*:[0-9]+(?::udp)?(?:@\S+)?\z")]
    private static partial Regex AfterHost();
}
