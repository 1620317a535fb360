using System.Buffers;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Discovery.Proxy.Forwarding;

/// <summary>
/// Where a request goes: the instance, and path and query byte for byte as they were asked for, since signatures are made
/// over them and <c>%2F</c> is not <c>/</c>.
/// </summary>
internal static class DestinationAddress
{
    // Uri would move, turn or cut these; the request is then sent by the path that it was routed by.
    private static readonly SearchValues<string> Unclear = SearchValues.Create(["/.", "%2e", "\\", "#"], StringComparison.OrdinalIgnoreCase);

    private static readonly UriCreationOptions AsItIs = new() { DangerousDisablePathAndQueryCanonicalization = true };

    /// <summary>The address of this request at the instance.</summary>
    /// <remarks>
    /// A path with dot segments is sent resolved: what was routed as <c>/public</c> must not arrive as <c>/public/../admin</c>.
    /// The absolute and the asterisk form of a target have no path to copy.
    /// </remarks>
    public static Uri Of(HttpRequest request, string prefix)
    {
        string target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        return target.StartsWith('/') && !target.AsSpan().ContainsAny(Unclear)
            ? new Uri(prefix + target, AsItIs)
            : RequestUtilities.MakeDestinationAddress(prefix, request.Path, request.QueryString);
    }
}
