using Discovery.Catalog;
using Discovery.EndToEnd.Tests.Setup;
using Discovery.Testing;

namespace Discovery.EndToEnd.Tests;

/// <summary>What happens to a container, as the store shows it, on a real engine.</summary>
public abstract class ContainerTests(HostSetup setup)
{
    private const int Crowd = 20;

    private DockerEngine Docker => setup.Docker;

    private Registry Registry => setup.Registry;

    [Fact]
    public async Task Started_container_is_registered_with_its_address_and_port()
    {
        string service = HostSetup.NewName("web");

        string id = await Docker.RunAsync(HostSetup.Routed(service));

        Registration found = await Registry.OneAsync(id);
        ServiceInstance instance = found.Instance;
        Assert.Equal(service, instance.Service);
        Assert.Equal($"{setup.Sidecar.Host}:{service}:{SampleImage.Port}", instance.Id);
        Assert.Equal($"/discovery/instances/{setup.Sidecar.Host}/{service}/{instance.Id}", found.Key);
        Assert.Equal("127.0.0.1", instance.Address);
        Assert.Equal(await Docker.PublishedPortAsync(id, SampleImage.Port), instance.Port);
        Assert.Equal("tcp", instance.Protocol);
        Assert.Equal(Health.Passing, instance.Health);
        Assert.Equal(SampleImage.Tag, instance.Container!.Image);
        Assert.Equal("SERVICE_NAME", Assert.Single(instance.Routes).Source);
        Assert.Empty(instance.Rejected);
        Assert.NotEqual(0, found.Lease);
    }

    [Fact]
    public async Task Container_without_a_name_for_its_service_is_registered_under_its_image_and_not_routed()
    {
        string id = await Docker.RunAsync(new ContainerSpec { Name = HostSetup.NewName("plain") });

        Registration found = await Registry.OneAsync(id);

        Assert.Equal("discovery-tests-sample", found.Instance.Service);
        Assert.Empty(found.Instance.Routes);
    }

    [Fact]
    public async Task Restarted_container_is_registered_at_its_new_port()
    {
        string id = await Docker.RunAsync(HostSetup.Routed(HostSetup.NewName("again")));
        await Registry.OneAsync(id);

        await Docker.RestartAsync(id);

        int? port = await Docker.PublishedPortAsync(id, SampleImage.Port);
        await Registry.OneAsync(id, instance => instance.Port == port);
    }

    [Theory]
    [InlineData("kill")]
    [InlineData("stop")]
    [InlineData("rm")]
    public async Task Ended_container_is_forgotten(string how)
    {
        string id = await Docker.RunAsync(HostSetup.Routed(HostSetup.NewName(how)));
        await Registry.OneAsync(id);

        await (how switch
        {
            "kill" => Docker.KillAsync(id),
            "stop" => Docker.StopAsync(id),
            _ => Docker.RemoveAsync(id),
        });

        await Registry.NoneAsync(id);
    }

    /// <summary>A frozen process takes connections and answers none: it must get no requests until it goes on.</summary>
    [Fact]
    public async Task Paused_container_takes_no_requests_until_it_goes_on()
    {
        string id = await Docker.RunAsync(HostSetup.Routed(HostSetup.NewName("pause")));
        await Registry.OneAsync(id, static instance => instance.TakesRequests);

        await Docker.PauseAsync(id);

        await Eventually.HoldsAsync(async () => (await Registry.ReadAsync(id)).All(static r => !r.Instance.TakesRequests));

        await Docker.UnpauseAsync(id);

        await Registry.OneAsync(id, static instance => instance.TakesRequests);
    }

    [Fact]
    public async Task Health_follows_the_container_s_own_check()
    {
        string id = await Docker.RunAsync(HostSetup.Routed(HostSetup.NewName("health")) with { HealthCommand = SampleImage.HealthCommand });
        await Registry.OneAsync(id, static instance => instance.Health == Health.Passing);

        await Docker.ExecAsync(id, "rm", "/up");

        Registration ill = await Registry.OneAsync(id, static instance => instance.Health == Health.Critical);
        Assert.Equal("docker", Assert.Single(ill.Instance.Checks).Type);

        await Docker.ExecAsync(id, "touch", "/up");

        await Registry.OneAsync(id, static instance => instance.Health == Health.Passing);
    }

    [Fact]
    public async Task Container_that_has_not_passed_a_check_yet_is_starting()
    {
        string id = await Docker.RunAsync(HostSetup.Routed(HostSetup.NewName("start")) with { HealthCommand = ["sh", "-c", "read line < /never"] });

        // "never" does not exist: the first check fails half a second after the start.
        await Registry.OneAsync(id, static instance => instance.Health is Health.Starting or Health.Critical);
        Registration ill = await Registry.OneAsync(id, static instance => instance.Health == Health.Critical);

        Assert.False(ill.Instance.TakesRequests);
    }

    [Fact]
    public async Task Tags_and_other_settings_are_part_of_the_record()
    {
        string service = HostSetup.NewName("tags");

        string id = await Docker.RunAsync(HostSetup.Routed(service) with
        {
            Environment = new Dictionary<string, string> { ["SERVICE_NAME"] = service, ["SERVICE_TAGS"] = "blue,canary", ["SERVICE_TEAM"] = "shop" },
        });

        Registration found = await Registry.OneAsync(id);
        Assert.Equal(["blue", "canary"], found.Instance.Tags);
        Assert.Equal("shop", found.Instance.Meta["team"]);
    }

    /// <summary>Goal: an ignored container is absent, not late. A second one that started after it is the proof of time.</summary>
    [Fact]
    public async Task Ignored_container_is_not_registered()
    {
        string service = HostSetup.NewName("ignored");
        string ignored = await Docker.RunAsync(HostSetup.Routed(service) with
        {
            Environment = new Dictionary<string, string> { ["SERVICE_NAME"] = service, ["SERVICE_IGNORE"] = "true" },
        });
        string later = await Docker.RunAsync(HostSetup.Routed(HostSetup.NewName("later")));
        await Registry.OneAsync(later);

        Assert.Empty(await Registry.ReadAsync(ignored));
    }

    [Fact]
    public async Task Senseless_label_is_shown_with_its_reason_and_disturbs_nothing()
    {
        string id = await Docker.RunAsync(HostSetup.Routed(HostSetup.NewName("label")) with
        {
            Labels = new Dictionary<string, string> { ["discovery.prot"] = "8080" },
        });

        Registration found = await Registry.OneAsync(id);

        RejectedLabel rejected = Assert.Single(found.Instance.Rejected);
        Assert.Equal("discovery.prot", rejected.Label);
        Assert.Equal("8080", rejected.Value);
        Assert.Contains("discovery.port", rejected.Reason, StringComparison.Ordinal);
        Assert.True(found.Instance.TakesRequests);
    }

    [Fact]
    public async Task Service_name_that_cannot_be_one_is_refused_with_its_reason()
    {
        string name = HostSetup.NewName("refused");

        string id = await Docker.RunAsync(HostSetup.Routed(name) with
        {
            Environment = new Dictionary<string, string> { ["SERVICE_NAME"] = "not a name!" },
        });

        HostRecord? host = null;
        await Eventually.HoldsAsync(
            async () => (host = await Registry.HostAsync())?.Refused.Any(r => r.Id == id || r.Name == name) == true,
            saw: () => host);
        Assert.Contains("not a name!", host!.Refused.First(r => r.Id == id || r.Name == name).Reason, StringComparison.Ordinal);
        Assert.Empty(await Registry.ReadAsync(id));
    }

    /// <summary>
    /// Of twenty containers ended at once registrator leaves three or four behind, and after a restart of all as many at
    /// their old ports. Here the registry ends exactly as the engine is, however the events overtook each other.
    /// </summary>
    [Fact]
    public async Task Crowd_started_killed_and_restarted_at_once_leaves_no_ghost_and_no_wrong_port()
    {
        string[] ids = await Task.WhenAll(Enumerable.Range(0, Crowd).Select(_ => Docker.RunAsync(HostSetup.Routed(HostSetup.NewName("crowd")))));
        await Registry.EqualsEngineAsync(Docker, ids);
        Assert.Equal(Crowd, (await Registry.ReadAsync()).Count(r => ids.Contains(r.Instance.Container!.Id)));

        await Task.WhenAll(ids.Select(Docker.RestartAsync));
        await Registry.EqualsEngineAsync(Docker, ids);
        Assert.Equal(Crowd, (await Registry.ReadAsync()).Count(r => ids.Contains(r.Instance.Container!.Id)));

        // A half of them comes back at once: start and die of one container may meet in any order.
        await Task.WhenAll(ids.Select(async (id, index) =>
        {
            await Docker.KillAsync(id);
            if (index % 2 == 0)
            {
                await Docker.StartAsync(id);
            }
        }));
        await Registry.EqualsEngineAsync(Docker, ids);
        Assert.Equal(Crowd / 2, (await Registry.ReadAsync()).Count(r => ids.Contains(r.Instance.Container!.Id)));

        await Task.WhenAll(ids.Select(Docker.RemoveAsync));
        await Registry.EqualsEngineAsync(Docker, ids);
    }
}

/// <summary>On the store inside the sidecar.</summary>
[Collection(SharedEngine.Name)]
public sealed class ContainerOnBundledStoreTests(BundledSetup setup) : ContainerTests(setup), IClassFixture<BundledSetup>;

/// <summary>On Debian's etcd.</summary>
[Collection(SharedEngine.Name)]
public sealed class ContainerOnEtcdTests(EtcdSetup setup) : ContainerTests(setup), IClassFixture<EtcdSetup>;
