using System.Text.Json;
using Discovery.Catalog;
using Discovery.EtcdApi.Messages;
using Discovery.Testing;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Discovery.Proxy.Tests.Running;

/// <summary>The proxy in this process, on ports of its own, with a real store behind it.</summary>
internal sealed class RunningProxy : IAsyncDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false });
    private readonly StoreClient _catalog;

    private RunningProxy(RunningStore store, ProxyServer server) => (Store, Server, _catalog) = (store, server, store.NewClient());

    /// <summary>The store that it follows.</summary>
    public RunningStore Store { get; }

    /// <summary>The proxy.</summary>
    public ProxyServer Server { get; }

    /// <summary>Where requests go.</summary>
    public Uri Url => Server.Urls[0];

    /// <summary>Starts a store and a proxy on it.</summary>
    public static async Task<RunningProxy> StartAsync(StoreEngine engine = StoreEngine.Etcd, ILoggerFactory? loggers = null)
    {
        RunningStore store = await RunningStore.StartAsync(engine);
        return new(store, await StartOnAsync(store.Flag, loggers));
    }

    /// <summary>Starts a proxy alone.</summary>
    public static Task<ProxyServer> StartOnAsync(string store, ILoggerFactory? loggers = null, string? name = null) => ProxyServer.StartAsync(
        new()
        {
            Store = StoreAddress.Parse(store),
            Urls = [BindingAddress.Parse("http://127.0.0.1:0")],
            AdminUrl = BindingAddress.Parse("http://127.0.0.1:0"),
            Name = name,
        },
        TimeProvider.System,
        loggers ?? NullLoggerFactory.Instance,
        CancellationToken.None);

    /// <summary>Writes instances as a host without a lease does.</summary>
    public async Task RegisterAsync(params ServiceInstance[] instances)
    {
        foreach (ServiceInstance instance in instances)
        {
            await _catalog.PutAsync(
                new PutRequest { Key = ByteString.CopyFromUtf8(Catalogs.Key(instance)), Value = ByteString.CopyFrom(CatalogJson.Write(instance)) },
                CancellationToken.None);
        }
    }

    /// <summary>Deletes one.</summary>
    public Task ForgetAsync(ServiceInstance instance) => _catalog.DeleteRangeAsync(
        new DeleteRangeRequest { Key = ByteString.CopyFromUtf8(Catalogs.Key(instance)) }, CancellationToken.None);

    /// <summary>The proxy's own record; null while there is none.</summary>
    public async Task<ProxyRecord?> RecordAsync()
    {
        RangeResponse found = await _catalog.RangeAsync(
            new RangeRequest { Key = ByteString.CopyFromUtf8(CatalogKeys.Proxy(Server.Name)) }, CancellationToken.None);
        return found.Kvs.Count == 0 ? null : CatalogJson.Read<ProxyRecord>(found.Kvs[0].Value.Span).Record;
    }

    /// <summary>Sends a request for this host.</summary>
    public async Task<HttpResponseMessage> SendAsync(
        string host, string path = "/", HttpMethod? method = null, HttpContent? content = null, Action<HttpRequestMessage>? with = null)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, new Uri(Url, path)) { Content = content };
        request.Headers.Host = host;
        with?.Invoke(request);
        return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>What a GET for this host answers.</summary>
    public async Task<WebAnswer> GetAsync(string host, string path = "/", string? accept = null)
    {
        using HttpResponseMessage response = await SendAsync(host, path, with: r => r.Headers.TryAddWithoutValidation("Accept", accept));
        return new(response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>What the admin listener says.</summary>
    public Task<WebAnswer> AdminAsync(string path) => WebProbe.GetAsync(new Uri(Server.AdminUrl, path));

    /// <summary>One value of /metrics.</summary>
    public async Task<long> MetricAsync(string name)
    {
        string metrics = (await AdminAsync("/metrics")).Body;
        string line = metrics.Split('\n').Single(l => l.StartsWith($"discovery_proxy_{name} ", StringComparison.Ordinal));
        return long.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Waits until the proxy says of the service what is expected.</summary>
    public async Task RoutedAsync(string service, int available)
    {
        string last = "";
        await Eventually.HoldsAsync(
            async () =>
            {
                last = (await AdminAsync("/routes")).Body;
                using JsonDocument routes = JsonDocument.Parse(last);
                return routes.RootElement.GetProperty("routes").EnumerateArray()
                    .Where(r => r.GetProperty("service").GetString() == service)
                    .Any(r => r.GetProperty("destinations").EnumerateArray().Count(d => d.GetProperty("takesRequests").GetBoolean()) == available);
            },
            saw: () => last);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _catalog.Dispose();
        await Server.DisposeAsync();
        await Store.DisposeAsync();
    }
}
