using System.CommandLine;

namespace Discovery.Catalog.Programs;

/// <summary>A program asks another process of itself how it is: for a container's <c>HEALTHCHECK</c>, whose image has no curl.</summary>
public static class SelfCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>The flag <c>--healthcheck</c>.</summary>
    /// <param name="flag">The flag that says where the asked one listens.</param>
    /// <param name="path">What is asked for.</param>
    public static Option<bool> Flag(string flag, string path) =>
        Flags.Switch("healthcheck", $"ask the one that runs at {flag} for {path} and end with 0 or 1; for a container's HEALTHCHECK");

    /// <summary>Asks once; the exit code. An address to listen on at every interface is reached by loopback.</summary>
    public static async Task<int> AskAsync(string program, Uri url, TextWriter error, CancellationToken cancellation)
    {
        Uri reached = new UriBuilder(url) { Host = url.Host is "0.0.0.0" or "[::]" or "*" or "+" ? "127.0.0.1" : url.Host }.Uri;
        using var http = new HttpClient { Timeout = Patience };
        try
        {
            using HttpResponseMessage answer = await http.GetAsync(reached, cancellation);
            if (answer.IsSuccessStatusCode)
            {
                return ExitCode.Ok;
            }

            await error.WriteLineAsync($"{program}: {reached} answered {(int)answer.StatusCode}");
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            await error.WriteLineAsync($"{program}: {reached}: {e.Message}");
        }

        return ExitCode.Failed;
    }
}
