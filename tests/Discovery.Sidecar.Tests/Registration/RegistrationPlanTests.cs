using System.Collections.Immutable;
using Discovery.Catalog;
using Discovery.Sidecar.Checks;
using Discovery.Sidecar.Registration;

namespace Discovery.Sidecar.Tests.Registration;

public sealed class RegistrationPlanTests
{
    private const long Lease = 7;
    private const string Key = "/discovery/instances/host2/web/host2:web-1:80";

    private static readonly DateTimeOffset Start = DateTimeOffset.Parse("2026-11-20T12:00:00.123456789Z", null);
    private static readonly DateTimeOffset Noon = Start.AddHours(1);
    private static readonly DateTimeOffset Later = Noon.AddHours(1);

    [Fact]
    public void What_is_there_already_is_not_written()
    {
        var published = Published(new() { Health = "healthy", HealthOutput = "ok" });

        Assert.True(Plan(published, new TestContainer { Health = "healthy", HealthOutput = "ok" }).IsEmpty);
    }

    [Fact]
    public void What_nobody_wants_is_deleted_and_what_is_new_is_put()
    {
        RegistrationPlan plan = Plan(Published(new()), new TestContainer { Name = "web-2" });

        Assert.Equal(Key, Assert.Single(plan.Deletes));
        ServiceInstance put = Assert.Single(plan.Puts);
        Assert.Equal("host2:web-2:80", put.Id);
        Assert.Equal(Later, put.RegisteredAt);
    }

    [Fact]
    public void Instance_under_a_wrong_lease_is_written_again_as_it_was()
    {
        var published = Published(new()).ToDictionary(static p => p.Key, static p => p.Value with { Lease = 99 }).ToImmutableDictionary();

        Assert.Equal(Noon, Assert.Single(Plan(published, new TestContainer()).Puts).RegisteredAt);
    }

    [Fact]
    public void Unreadable_record_is_overwritten() =>
        Assert.Single(Plan(ImmutableDictionary<string, PublishedInstance>.Empty.Add(Key, new(null, Lease, Later)), new TestContainer()).Puts);

    [Fact]
    public void Change_of_health_is_written_at_once_and_keeps_the_time_of_registration()
    {
        ServiceInstance put = Assert.Single(Plan(Published(new() { Health = "healthy" }), new TestContainer { Health = "unhealthy" }).Puts);

        Assert.Equal(Health.Critical, put.Health);
        Assert.Equal(Later, put.Checks[0].ChangedAt);
        Assert.Equal(Noon, put.RegisteredAt);
    }

    [Theory]
    [InlineData(29, 0)]
    [InlineData(30, 1)]
    public void Output_alone_is_written_at_most_every_30_seconds(int seconds, int writes)
    {
        var published = Published(new() { Health = "healthy", HealthOutput = "1" });

        RegistrationPlan plan = Make(published, Noon.AddSeconds(seconds), Start, new TestContainer { Health = "healthy", HealthOutput = "2" });

        Assert.Equal(writes, plan.Puts.Length);
        Assert.All(plan.Puts, static p => Assert.Equal(Noon, p.Checks[0].ChangedAt));
    }

    [Fact]
    public void Another_container_of_the_same_name_is_registered_anew()
    {
        ServiceInstance put = Assert.Single(Plan(Published(new()), new TestContainer { Id = "c2" }).Puts);

        Assert.Equal(Later, put.RegisteredAt);
    }

    [Fact]
    public void Other_port_of_the_same_container_is_registered_anew() =>
        Assert.Equal(Later, Assert.Single(Plan(Published(new()), new TestContainer { Ports = "80/tcp=0.0.0.0:40000" }).Puts).RegisteredAt);

    /// <summary>An engine that restarts under living containers calls them "starting" again.</summary>
    [Theory]
    [InlineData("healthy", 10, Health.Passing)]
    [InlineData("unhealthy", 10, Health.Critical)]
    [InlineData("healthy", 61, Health.Starting)]
    public void Starting_is_not_believed_of_an_engine_that_has_just_come_back(string before, int secondsAfter, Health expected)
    {
        var published = Published(new() { Health = before });

        RegistrationPlan plan = Make(published, Later.AddSeconds(secondsAfter), Later, new TestContainer { Health = "starting" });

        Assert.Equal(expected, plan.Puts.FirstOrDefault()?.Health ?? published[Key].Instance!.Health);
    }

    [Fact]
    public void Starting_is_believed_of_a_container_that_has_just_been_started()
    {
        RegistrationPlan plan = Make(
            Published(new() { Health = "healthy" }), Later.AddSeconds(5), Later,
            new TestContainer { Health = "starting", StartedAt = Later.AddSeconds(2).ToString("o") });

        Assert.Equal(Health.Starting, Assert.Single(plan.Puts).Health);
    }

    [Fact]
    public void Two_containers_of_one_name_leave_the_one_that_started_last()
    {
        RegistrationPlan plan = Make(
            ImmutableDictionary<string, PublishedInstance>.Empty, Later, Start,
            new() { Id = "new", StartedAt = Later.ToString("o") }, new() { Id = "old" });

        Assert.Equal("new", Assert.Single(plan.Puts).Container!.Id);
    }

    private static RegistrationPlan Plan(ImmutableDictionary<string, PublishedInstance> published, params TestContainer[] containers) =>
        Make(published, Later, Start, containers);

    private static RegistrationPlan Make(
        ImmutableDictionary<string, PublishedInstance> published, DateTimeOffset now, DateTimeOffset engineSince, params TestContainer[] containers)
    {
        var rules = new ContainerRules("host2", new CheckPolicy("10.0.0.2"), false, new CheckBoard());
        return RegistrationPlan.Make(containers.Select(c => rules.Judge(c.ToContainer())!), published, Lease, engineSince, now);
    }

    private static ImmutableDictionary<string, PublishedInstance> Published(TestContainer container) =>
        Make(ImmutableDictionary<string, PublishedInstance>.Empty, Noon, Start, container).Puts.ToImmutableDictionary(
            static i => CatalogKeys.Instance(i.Host, i.Service, i.Id), static i => new PublishedInstance(i, Lease, Noon));
}
