using Discovery.Testing;

namespace Discovery.EndToEnd.Tests.Setup;

/// <summary>
/// The Docker engine of all tests that do not need one of their own: the one of <c>DOCKER_HOST</c> or of the machine,
/// else one started here. It has the sample image.
/// </summary>
public sealed class EngineFixture : IAsyncLifetime
{
    private RunningDockerd? _own;

    /// <summary>The engine's socket, as in <c>DOCKER_HOST</c>.</summary>
    public string Host { get; private set; } = "";

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        await using DockerEngine machine = DockerEngine.FromEnvironment();
        if (await machine.AnswersAsync())
        {
            Host = machine.Host;
        }
        else
        {
            _own = await RunningDockerd.StartAsync();
            Host = _own.Host;
        }

        await using var engine = new DockerEngine(Host);
        await SampleImage.BuildAsync(engine);
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_own is not null)
        {
            await _own.DisposeAsync();
        }
    }
}

/// <summary>The tests that share one engine.</summary>
[CollectionDefinition(Name)]
public sealed class SharedEngine : ICollectionFixture<EngineFixture>
{
    /// <summary>The collection's name.</summary>
    public const string Name = "Docker engine";
}
