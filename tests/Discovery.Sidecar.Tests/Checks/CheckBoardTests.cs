using Discovery.Catalog;
using Discovery.Sidecar.Checks;

namespace Discovery.Sidecar.Tests.Checks;

public sealed class CheckBoardTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private static readonly CheckSpec All = new() { Name = "tcp", Type = CheckType.Tcp, DeregisterAfter = TimeSpan.FromMinutes(1) };

    private static readonly CheckSpec Own = new() { Name = "http-81", Type = CheckType.Http, Port = 81, Initial = Health.Passing };

    private static readonly CheckSet Set = new() { Specs = [All, Own] };

    private readonly CheckBoard _board = new();

    public CheckBoardTests() => _board.Set("c1", Start);

    [Fact]
    public void Check_that_has_not_spoken_says_its_initial_status()
    {
        InstanceHealth health = _board.Of("c1", Set, 81, null);

        Assert.Equal((Health.Starting, false), (health.Health, health.IsDeregistered));
        Assert.Equal(["tcp Starting", "http-81 Passing"], Words(health));
    }

    [Fact]
    public void Instance_has_the_checks_of_its_port_and_of_the_whole_container()
    {
        Assert.True(_board.Apply(new("c1", Start, null, Word("tcp", Health.Passing), false)));
        Assert.True(_board.Apply(new("c1", Start, 81, Word("http-81", Health.Warning, "http"), false)));

        Assert.Equal(["tcp Passing"], Words(_board.Of("c1", Set, 80, null)));
        Assert.Equal(Health.Passing, _board.Of("c1", Set, 80, null).Health);
        Assert.Equal(Health.Warning, _board.Of("c1", Set, 81, null).Health);
    }

    [Theory]
    [InlineData("", "Passing")]
    [InlineData("Passing,Warning", "Warning")]
    [InlineData("Warning,Starting,Passing", "Starting")]
    [InlineData("Starting,Critical,Warning", "Critical")]
    public void Worst_check_is_the_health(string statuses, string worst) => Assert.Equal(
        Enum.Parse<Health>(worst),
        CheckBoard.Worst(statuses.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(static s => Word("x", Enum.Parse<Health>(s)))));

    [Fact]
    public void Healthcheck_counts_unless_the_container_says_not()
    {
        InstanceCheck sick = Word("docker", Health.Critical, "docker");

        Assert.Equal(Health.Critical, _board.Of("c1", CheckSet.None, 80, sick).Health);
        Assert.Equal(Health.Passing, _board.Of("c1", CheckSet.None with { CountsHealthcheck = false }, 80, sick).Health);
    }

    [Fact]
    public void Deregistration_holds_for_the_instances_that_the_check_concerns()
    {
        _board.Apply(new("c1", Start, null, Word("tcp", Health.Critical), true));

        Assert.True(_board.Of("c1", Set, 80, null).IsDeregistered);
        Assert.False(_board.Of("c1", Set with { Specs = [Own] }, 80, null).IsDeregistered);
    }

    [Fact]
    public void Words_of_an_earlier_start_or_of_another_way_to_check_do_not_count()
    {
        _board.Apply(new("c1", Start, null, Word("tcp", Health.Passing), false));
        _board.Set("c1", Start);
        Assert.Equal(Health.Passing, _board.Of("c1", Set, 80, null).Health);
        Assert.Equal(Health.Starting, _board.Of("c1", Set with { Specs = [All with { Type = CheckType.Http }] }, 80, null).Health);

        _board.Set("c1", Start.AddSeconds(1));

        Assert.False(_board.Apply(new("c1", Start, null, Word("tcp", Health.Passing), false)));
        Assert.Equal(Health.Starting, _board.Of("c1", Set, 80, null).Health);
    }

    [Fact]
    public void What_an_earlier_life_of_the_sidecar_wrote_stands_at_first()
    {
        _board.Set("c2", Start, [Word("tcp", Health.Passing)]);

        Assert.Equal(Health.Passing, _board.Of("c2", Set, 80, null).Health);
    }

    private static InstanceCheck Word(string name, Health status, string type = "tcp") => new() { Name = name, Type = type, Status = status };

    private static IEnumerable<string> Words(InstanceHealth health) => health.Checks.Select(static c => $"{c.Name} {c.Status}");
}
