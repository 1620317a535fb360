using System.Net;
using Discovery.EndToEnd.Tests.Setup;
using Discovery.Testing;

namespace Discovery.EndToEnd.Tests;

/// <summary>From a started container to the answer of a request through the proxy.</summary>
public abstract class ProxyTests(HostSetup setup)
{
    [Fact]
    public async Task Started_container_answers_through_the_proxy_and_a_stopped_one_is_gone()
    {
        string service = HostSetup.NewName("shop");

        string id = await setup.Docker.RunAsync(HostSetup.Routed(service));

        await AnswersAsync(service, HttpStatusCode.OK);
        Assert.Equal("sample\n", (await setup.Proxy.AskAsync(service)).Body);

        await setup.Docker.StopAsync(id);

        await AnswersAsync(service, HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Restarted_container_answers_at_its_new_port()
    {
        string service = HostSetup.NewName("moved");
        string id = await setup.Docker.RunAsync(HostSetup.Routed(service));
        await AnswersAsync(service, HttpStatusCode.OK);
        int? before = await setup.Docker.PublishedPortAsync(id, SampleImage.Port);

        await setup.Docker.RestartAsync(id);

        int? port = await setup.Docker.PublishedPortAsync(id, SampleImage.Port);
        await setup.Registry.OneAsync(id, instance => instance.Port == port);
        await AnswersAsync(service, HttpStatusCode.OK);
        Assert.NotEqual(before, port);
    }

    [Fact]
    public async Task Service_whose_instances_all_fail_is_answered_503_with_the_reason()
    {
        string service = HostSetup.NewName("ill");
        string id = await setup.Docker.RunAsync(HostSetup.Routed(service) with { HealthCommand = SampleImage.HealthCommand });
        await AnswersAsync(service, HttpStatusCode.OK);

        await setup.Docker.ExecAsync(id, "rm", "/up");

        await AnswersAsync(service, HttpStatusCode.ServiceUnavailable);
        string reason = (await setup.Proxy.AskAsync(service)).Body;
        Assert.Contains(service, reason, StringComparison.Ordinal);
        Assert.Contains("critical", reason, StringComparison.Ordinal);

        await setup.Docker.ExecAsync(id, "touch", "/up");

        await AnswersAsync(service, HttpStatusCode.OK);
    }

    [Fact]
    public async Task Both_replicas_of_a_service_get_requests_and_the_other_takes_over_when_one_ends()
    {
        string service = HostSetup.NewName("pair");
        string[] ids = await Task.WhenAll(Enumerable.Range(0, 2)
            .Select(n => setup.Docker.RunAsync(HostSetup.Routed(service) with { Name = $"{service}-{n}" })));
        var answered = new HashSet<string>();
        await Eventually.HoldsAsync(
            async () =>
            {
                WebAnswer answer = await setup.Proxy.AskAsync(service, "/cgi-bin/who");
                return answer.Status == HttpStatusCode.OK && answered.Add(answer.Body.Trim()) && answered.Count == 2;
            },
            saw: () => string.Join(',', answered));

        await setup.Docker.KillAsync(ids[0]);
        await setup.Registry.NoneAsync(ids[0]);

        await Eventually.HoldsAsync(async () => (await setup.Proxy.AskAsync(service, "/cgi-bin/who")).Body.Trim() == ids[1][..12]);
    }

    [Fact]
    public async Task Labels_choose_host_path_and_port()
    {
        string service = HostSetup.NewName("labels");
        await setup.Docker.RunAsync(new ContainerSpec
        {
            Name = service,
            Labels = new Dictionary<string, string>
            {
                ["discovery.host"] = $"{service}.example.com",
                ["discovery.path"] = "/cgi-bin",
                ["discovery.port"] = "8080",
            },
        });

        await Eventually.HoldsAsync(
            async () => (await setup.Proxy.AskHostAsync($"{service}.example.com", "/cgi-bin/who")).Status == HttpStatusCode.OK,
            saw: () => setup.Proxy.Tail);
        Assert.Equal(HttpStatusCode.NotFound, (await setup.Proxy.AskHostAsync($"{service}.example.com", "/other")).Status);
    }

    [Fact]
    public async Task Published_container_that_did_not_ask_is_not_on_the_web()
    {
        string name = HostSetup.NewName("database");
        string id = await setup.Docker.RunAsync(new ContainerSpec { Name = name });
        await setup.Registry.OneAsync(id);
        string later = HostSetup.NewName("later");
        await setup.Docker.RunAsync(HostSetup.Routed(later));
        await AnswersAsync(later, HttpStatusCode.OK);

        Assert.Equal(HttpStatusCode.NotFound, (await setup.Proxy.AskAsync("discovery-tests-sample")).Status);
    }

    /// <summary>Static stability: the last table stays, and what changed meanwhile is caught up with.</summary>
    [Fact]
    public async Task Proxy_serves_on_while_the_store_is_away()
    {
        string service = HostSetup.NewName("stable");
        string late = HostSetup.NewName("late");
        await setup.Docker.RunAsync(HostSetup.Routed(service));
        await AnswersAsync(service, HttpStatusCode.OK);

        await setup.StopStoreAsync();
        try
        {
            // Long enough for the proxy to have lost its watch and tried again more than once.
            await Eventually.HoldsAsync(() => setup.Proxy.Tail.Contains("is away", StringComparison.Ordinal), saw: () => setup.Proxy.Tail);
            for (int request = 0; request < 20; request++)
            {
                Assert.Equal(HttpStatusCode.OK, (await setup.Proxy.AskAsync(service)).Status);
            }

            await setup.Docker.RunAsync(HostSetup.Routed(late));
        }
        finally
        {
            await setup.StartStoreAsync();
        }

        await AnswersAsync(late, HttpStatusCode.OK);
        await AnswersAsync(service, HttpStatusCode.OK);
    }

    private async Task AnswersAsync(string service, HttpStatusCode status)
    {
        WebAnswer? last = null;
        await Eventually.HoldsAsync(
            async () => (last = await setup.Proxy.AskAsync(service)).Status == status,
            saw: () => $"{last}\n{setup.Proxy.Tail}\n{setup.Sidecar.Tail}",
            what: $"{service} answers {(int)status} through the proxy");
    }
}

/// <summary>On the store inside the sidecar.</summary>
[Collection(SharedEngine.Name)]
public sealed class ProxyOnBundledStoreTests(BundledSetup setup) : ProxyTests(setup), IClassFixture<BundledSetup>;

/// <summary>On Debian's etcd.</summary>
[Collection(SharedEngine.Name)]
public sealed class ProxyOnEtcdTests(EtcdSetup setup) : ProxyTests(setup), IClassFixture<EtcdSetup>;
