namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>
/// What <c>httpGet</c> knows. Execution is synchronous and touches nothing: an address whose answer is not known yet ends it
/// (<see cref="HttpWantedException"/>), <see cref="GoTemplate"/> asks the address and executes again.
/// </summary>
/// <param name="isEnabled">Whether addresses may be asked at all.</param>
internal sealed class HttpAnswers(bool isEnabled)
{
    private readonly Dictionary<string, byte[]> _known = new(StringComparer.Ordinal);

    /// <summary>The answer of an address.</summary>
    public byte[] Get(string url)
    {
        if (!isEnabled)
        {
            throw new TemplateException("httpGet: templates may not ask addresses in this version, since a label may choose them");
        }

        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https"))
        {
            throw new TemplateException("httpGet: an address that begins with http:// or https:// is wanted");
        }

        if (_known.TryGetValue(url, out byte[]? answer))
        {
            return answer;
        }

        return _known.Count < TemplateLimits.HttpCalls
            ? throw new HttpWantedException(url, uri)
            : throw new TemplateException($"httpGet: more than {TemplateLimits.HttpCalls} addresses in one template");
    }

    /// <summary>Remembers an answer.</summary>
    public void Add(string url, byte[] answer) => _known.Add(url, answer);
}

/// <summary>Ends an execution that needs the answer of an address.</summary>
/// <param name="url">The address as the template says it.</param>
/// <param name="address">The address.</param>
internal sealed class HttpWantedException(string url, Uri address) : Exception("httpGet needs an answer")
{
    /// <summary>The address as the template says it.</summary>
    public string Url { get; } = url;

    /// <summary>The address.</summary>
    public Uri Address { get; } = address;
}
