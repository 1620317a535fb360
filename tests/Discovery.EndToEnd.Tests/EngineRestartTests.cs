using Discovery.EndToEnd.Tests.Setup;
using Discovery.Testing;

namespace Discovery.EndToEnd.Tests;

/// <summary>
/// A Docker engine that goes away and comes back: a link that broke is no reason to deregister; what the engine says when
/// it is back is. On an engine of the test's own.
/// </summary>
[Collection(SharedEngine.Name)]
public sealed class EngineRestartTests
{
    [Fact]
    public async Task Registrations_stay_while_the_engine_is_away_and_are_corrected_when_it_is_back()
    {
        await using RunningDockerd engine = await RunningDockerd.StartAsync();
        await using var docker = new DockerEngine(engine.Host);
        await SampleImage.BuildAsync(docker);
        await using RunningSidecar sidecar = await RunningSidecar.StartAsync(engine.Host, HostSetup.NewName("host"), store: null);
        using var registry = new Registry(sidecar.Store, sidecar.Host);
        string returning = await docker.RunAsync(HostSetup.Routed(HostSetup.NewName("returning")) with { RestartAlways = true });
        string ending = await docker.RunAsync(HostSetup.Routed(HostSetup.NewName("ending")));
        Registration before = await registry.OneAsync(returning);
        Registration doomed = await registry.OneAsync(ending);

        await engine.KillAsync();
        await NotReadyAsync(sidecar);

        Assert.Equal(before, await registry.OneAsync(returning));
        Assert.Equal(doomed, await registry.OneAsync(ending));

        await engine.StartAgainAsync();

        await registry.NoneAsync(ending);
        await Eventually.HoldsAsync(async () => (await docker.RunningAsync()).Contains(returning), saw: () => engine.Tail);
        await registry.EqualsEngineAsync(docker, [returning, ending]);
        Assert.NotEmpty(await registry.ReadAsync(returning));
    }

    [Fact]
    public async Task Containers_that_live_through_an_engine_s_restart_are_not_rewritten()
    {
        await using RunningDockerd engine = await RunningDockerd.StartAsync(liveRestore: true);
        await using var docker = new DockerEngine(engine.Host);
        await SampleImage.BuildAsync(docker);
        await using RunningSidecar sidecar = await RunningSidecar.StartAsync(engine.Host, HostSetup.NewName("host"), store: null);
        using var registry = new Registry(sidecar.Store, sidecar.Host);
        string id = await docker.RunAsync(HostSetup.Routed(HostSetup.NewName("living")));
        Registration before = await registry.OneAsync(id);

        await engine.KillAsync();
        await NotReadyAsync(sidecar);
        await engine.StartAgainAsync();

        string later = await docker.RunAsync(HostSetup.Routed(HostSetup.NewName("later")));
        await registry.OneAsync(later);
        Assert.Equal(before.ModRevision, (await registry.OneAsync(id)).ModRevision);
    }

    private static Task NotReadyAsync(RunningSidecar sidecar) => Eventually.HoldsAsync(
        async () => !await sidecar.IsReadyAsync(), saw: () => sidecar.Tail, what: "/readyz says that the engine is away");
}
