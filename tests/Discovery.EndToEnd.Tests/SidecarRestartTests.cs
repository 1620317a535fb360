using System.Net;
using Discovery.EndToEnd.Tests.Setup;
using Discovery.Testing;

namespace Discovery.EndToEnd.Tests;

/// <summary>A sidecar that ends and comes back within the lease: the registrations must not notice.</summary>
public abstract class SidecarRestartTests(EngineFixture engine, HostSetup setup) : IAsyncLifetime
{
    private DockerEngine Docker => setup.Docker;

    private Registry Registry => setup.Registry;

    /// <inheritdoc/>
    public Task InitializeAsync() => setup.InitializeAsync();

    /// <inheritdoc/>
    public Task DisposeAsync() => setup.DisposeAsync();

    /// <summary>Goal: nothing is rewritten. How: the revisions of the registrations are the same before and after.</summary>
    [Fact]
    public async Task Killed_sidecar_takes_its_registrations_over_unchanged()
    {
        string[] ids = await StartThreeAsync();
        IReadOnlyList<Registration> before = await Registry.ReadAsync();

        await setup.Sidecar.KillAsync();
        WebAnswer meanwhile = await setup.Proxy.AskAsync(before.First(r => ids.Contains(r.Instance.Container?.Id)).Instance.Service);
        await setup.Sidecar.StartAgainAsync();

        Assert.Equal(HttpStatusCode.OK, meanwhile.Status);
        await AssertKeptAsync(ids, before);
    }

    [Fact]
    public async Task Terminated_sidecar_leaves_its_registrations_for_its_successor()
    {
        string[] ids = await StartThreeAsync();
        IReadOnlyList<Registration> before = await Registry.ReadAsync();

        FinishedProcess ended = await setup.Sidecar.TerminateAsync();
        await setup.Sidecar.StartAgainAsync();

        Assert.Equal(0, ended.ExitCode);
        await AssertKeptAsync(ids, before);
    }

    /// <summary>What happened while nobody watched is found by looking, not by events.</summary>
    [Fact]
    public async Task Changes_behind_a_killed_sidecar_s_back_are_caught_up_with()
    {
        string[] ids = await StartThreeAsync();

        await setup.Sidecar.KillAsync();
        await Docker.KillAsync(ids[0]);
        await Docker.RestartAsync(ids[1]);
        string fresh = await Docker.RunAsync(HostSetup.Routed(HostSetup.NewName("fresh")));
        await setup.Sidecar.StartAgainAsync();

        await Registry.EqualsEngineAsync(Docker, [.. ids, fresh]);
        await Registry.NoneAsync(ids[0]);
    }

    [Fact]
    public async Task Sidecar_asked_to_deregister_on_exit_removes_its_registrations()
    {
        await using RunningStore store = await RunningStore.StartAsync(setup.StoreEngine);
        await using RunningSidecar sidecar = await RunningSidecar.StartAsync(
            engine.Host, HostSetup.NewName("host"), store.Flag, "--deregister-on-exit");
        using var registry = new Registry(store.Url, sidecar.Host);
        string id = await Docker.RunAsync(HostSetup.Routed(HostSetup.NewName("leaving")));
        await registry.OneAsync(id);

        FinishedProcess ended = await sidecar.TerminateAsync();

        Assert.Equal(0, ended.ExitCode);
        Assert.Empty(await registry.ReadAsync());
        Assert.Null(await registry.HostAsync());
    }

    private async Task<string[]> StartThreeAsync()
    {
        string[] ids = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Docker.RunAsync(HostSetup.Routed(HostSetup.NewName("kept")))));
        foreach (string id in ids)
        {
            Registration registration = await Registry.OneAsync(id);
            await Eventually.HoldsAsync(async () => (await setup.Proxy.AskAsync(registration.Instance.Service)).Status == HttpStatusCode.OK);
        }

        return ids;
    }

    private async Task AssertKeptAsync(string[] ids, IReadOnlyList<Registration> before)
    {
        // A later container is registered only after the sidecar has looked at all: the proof of time.
        string later = await Docker.RunAsync(HostSetup.Routed(HostSetup.NewName("later")));
        await Registry.OneAsync(later);
        IReadOnlyList<Registration> after = await Registry.ReadAsync();

        foreach (string id in ids)
        {
            Registration old = before.Single(r => r.Instance.Container?.Id == id);
            Registration kept = Assert.Single(after, r => r.Instance.Container?.Id == id);
            Assert.Equal(old.ModRevision, kept.ModRevision);
            Assert.Equal(old.Lease, kept.Lease);
        }
    }
}

/// <summary>On the store inside the sidecar, which dies with it.</summary>
[Collection(SharedEngine.Name)]
public sealed class SidecarRestartOnBundledStoreTests(EngineFixture engine) : SidecarRestartTests(engine, new BundledSetup(engine));

/// <summary>On Debian's etcd.</summary>
[Collection(SharedEngine.Name)]
public sealed class SidecarRestartOnEtcdTests(EngineFixture engine) : SidecarRestartTests(engine, new EtcdSetup(engine));
