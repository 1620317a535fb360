using System.Net.Sockets;
using Yarp.ReverseProxy.Forwarder;

namespace Discovery.Proxy.Forwarding;

/// <summary>Why forwarding to one destination failed.</summary>
/// <param name="Error">What is counted.</param>
/// <param name="Text">In words that a user may read: no addresses, no stack.</param>
internal readonly record struct Failure(RequestError Error, string Text)
{
    /// <summary>Whether the destination cannot have seen any of the request, its body included.</summary>
    public bool NothingSent => Error == RequestError.Connect;

    /// <summary>Reads what the forwarder left in the request's features.</summary>
    public static Failure Of(ForwarderError error, HttpContext context)
    {
        Exception? exception = context.Features.Get<IForwarderErrorFeature>()?.Exception;
        return error switch
        {
            _ when context.RequestAborted.IsCancellationRequested => new(RequestError.Client, "the client went away"),
            ForwarderError.RequestCanceled or ForwarderError.ResponseBodyCanceled or ForwarderError.UpgradeRequestCanceled
                or ForwarderError.UpgradeResponseCanceled or ForwarderError.RequestBodyCanceled => new(RequestError.Client, "the proxy is stopping"),

            // The handler reports its connect timeout as a cancellation; the body is read only after the connect.
            ForwarderError.RequestTimedOut when exception?.InnerException is TimeoutException =>
                new(RequestError.Connect, $"no connection within {Limits.Connect.TotalSeconds:0} s"),
            ForwarderError.RequestTimedOut or ForwarderError.UpgradeActivityTimeout => new(RequestError.Timeout, $"no answer within {Limits.Idle.TotalMinutes:0} min"),
            ForwarderError.Request when exception is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } =>
                new(RequestError.Connect, ConnectText(exception.InnerException as SocketException)),
            ForwarderError.RequestBodyClient or ForwarderError.UpgradeRequestClient => new(RequestError.Client, "the client broke off its request"),
            ForwarderError.ResponseBodyClient or ForwarderError.UpgradeResponseClient => new(RequestError.Client, "the client broke off"),
            _ => new(RequestError.Broken, "it closed the connection before its answer was complete"),
        };
    }

    private static string ConnectText(SocketException? exception) => exception?.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => "not reachable",
        SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData => "its name does not resolve",
        SocketError.TimedOut => "no connection in time",
        null => "no connection",
        var code => $"no connection ({code})",
    };
}
