using System.Net;

namespace Discovery.Testing;

/// <summary>What a web server answered.</summary>
public sealed record WebAnswer(HttpStatusCode Status, string Body);

/// <summary>Asks programs under test over HTTP/1.1 on loopback, one fresh connection a question.</summary>
public static class WebProbe
{
    /// <summary>Above it an answer counts as none.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private static readonly HttpClient Client = new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        // A pooled connection would hide that a server was restarted.
        PooledConnectionLifetime = TimeSpan.Zero,
    })
    {
        Timeout = Timeout,
    };

    /// <summary>GET, with another Host header if one is given.</summary>
    public static async Task<WebAnswer> GetAsync(Uri url, string? host = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Host = host;
        using HttpResponseMessage response = await Client.SendAsync(request);
        return new(response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Waits for a 200; a program that ends before ends the wait.</summary>
    public static Task AnswersAsync(Uri url, RunningProcess server) => Eventually.HoldsAsync(
        async () => server.HasExited
            ? throw new ProcessEndedException(server.Tail)
            : (await GetAsync(url)).Status == HttpStatusCode.OK,
        saw: () => server.Tail,
        what: $"{url} answers 200");
}
