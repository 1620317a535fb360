using System.Collections.Immutable;
using System.Text.Json;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>Asks an address for <c>httpGet</c>; the answer's body is read and disposed by the caller.</summary>
internal delegate Task<Stream> HttpFetch(Uri address, CancellationToken stop);

/// <summary>
/// registrator's <c>-tags</c>: Go's text/template without named templates and methods, over the inspect object of a container,
/// with registrator's functions. Bounded by <see cref="TemplateLimits"/>. What containers say is data and never read as a template.
/// </summary>
internal sealed class GoTemplate
{
    private readonly ImmutableArray<TemplateNode> _nodes;

    private GoTemplate(ImmutableArray<TemplateNode> nodes) => _nodes = nodes;

    /// <summary>Reads a template: it, or one line that says what is wrong with it and where.</summary>
    public static (GoTemplate? Template, string? Error) Parse(string text)
    {
        if (text.Length > TemplateLimits.Template)
        {
            return (null, $"the template has {text.Length} characters; at most {TemplateLimits.Template} are allowed");
        }

        try
        {
            return (new(TemplateParser.Parse(text)), null);
        }
        catch (TemplateException e)
        {
            return (null, e.Line);
        }
    }

    /// <summary>Executes it without <c>httpGet</c>: the text, or one line that says what went wrong and where.</summary>
    public (string? Text, string? Error) Execute(JsonElement inspect) => Run(inspect, new(isEnabled: false));

    /// <summary>
    /// Executes it with <c>httpGet</c>. Each address is asked once; the template runs again from its start with what is known,
    /// which nobody sees because running it changes nothing.
    /// </summary>
    public async Task<(string? Text, string? Error)> ExecuteAsync(JsonElement inspect, HttpFetch fetch, TimeProvider time, CancellationToken stop)
    {
        var answers = new HttpAnswers(isEnabled: true);
        while (true)
        {
            HttpWantedException wanted;
            try
            {
                return Run(inspect, answers);
            }
            catch (HttpWantedException e)
            {
                wanted = e;
            }

            (byte[]? body, string? error) = await FetchAsync(wanted.Address, fetch, time, stop);
            if (body is null)
            {
                return (null, error);
            }

            answers.Add(wanted.Url, body);
        }
    }

    private (string? Text, string? Error) Run(JsonElement inspect, HttpAnswers answers)
    {
        try
        {
            return (new TemplateExecution(inspect, answers).Run(_nodes), null);
        }
        catch (TemplateException e)
        {
            return (null, e.Line);
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair: JSON may hold it, a text may not.
            return (null, "the inspect object holds a text that is no Unicode");
        }
    }

    private static async Task<(byte[]? Body, string? Error)> FetchAsync(Uri address, HttpFetch fetch, TimeProvider time, CancellationToken stop)
    {
        // User names and queries may hold secrets.
        string shown = address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
        using var timeout = new CancellationTokenSource(TemplateLimits.HttpTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        try
        {
            await using Stream stream = await fetch(address, either.Token);
            byte[] body = new byte[TemplateLimits.HttpBody + 1];
            int length = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, either.Token);
            return length <= TemplateLimits.HttpBody
                ? (body[..length], null)
                : (null, $"httpGet: {shown} answers more than {TemplateLimits.HttpBody} bytes");
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return (null, $"httpGet: {shown} did not answer within {TemplateLimits.HttpTimeout.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return (null, $"httpGet: {shown}: {e.Message.ReplaceLineEndings(" ")}");
        }
    }
}
