namespace Discovery.Dashboard.Tests;

public sealed class DashboardOptionsTests
{
    private readonly List<string> _problems = [];

    [Theory]
    [InlineData("http://127.0.0.1:8501")]
    [InlineData("http://[::1]:0;http://127.8.9.1:1234")]
    [InlineData("http://localhost:80/")]
    public void Loopback_is_where_it_listens(string urls)
    {
        Assert.NotEmpty(DashboardOptions.ParseUrls(urls, _problems));
        Assert.Empty(_problems);
    }

    [Theory]
    [InlineData("http://0.0.0.0:8501", "until a login is set up the dashboard stays on loopback")]
    [InlineData("http://[::]:8501", "until a login is set up")]
    [InlineData("http://*:8501", "http://<loopback address>:<port>")]
    [InlineData("http://10.0.0.2:8501", "until a login is set up")]
    [InlineData("http://127.0.0.1:8501;http://example.com", "http://example.com")]
    [InlineData("https://127.0.0.1:8501", "it must be http://")]
    [InlineData("127.0.0.1:8501", "it must be http://")]
    [InlineData("http://127.0.0.1:8501/ui", "it must be http://")]
    [InlineData(" ", "--urls is empty")]
    public void Anything_else_is_refused_with_the_reason(string urls, string reason)
    {
        DashboardOptions.ParseUrls(urls, _problems);

        Assert.Contains(reason, Assert.Single(_problems), StringComparison.Ordinal);
    }
}
