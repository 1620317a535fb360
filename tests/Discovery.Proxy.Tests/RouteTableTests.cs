using Discovery.Catalog;
using Discovery.Proxy.Routing;
using static Discovery.Proxy.Tests.Catalogs;

namespace Discovery.Proxy.Tests;

public sealed class RouteTableTests
{
    private static RouteTable Table(params ServiceInstance[] instances) => RouteTable.Empty("localhost").Next(Snapshot(instances));

    private static string? ServiceFor(RouteTable table, string host, string path = "/") => table.Find(host, path)?.Route.Service;

    [Fact]
    public void A_route_without_a_host_means_the_service_under_the_domain()
    {
        RouteTable table = Table(Instance("web", 1, Route()));

        Assert.Equal("web", ServiceFor(table, "web.localhost"));
        Assert.Null(ServiceFor(table, "web"));
        Assert.Null(ServiceFor(table, "localhost"));
    }

    [Fact]
    public void An_instance_without_routes_is_not_routed()
    {
        RouteTable table = Table(Instance("db"));

        Assert.Empty(table.Routes);
        Assert.Empty(table.Problems);
        Assert.Null(ServiceFor(table, "db.localhost"));
    }

    [Theory]
    [InlineData("Shop.Example.COM")]
    [InlineData("shop.example.com.")]
    public void Neither_case_nor_a_final_dot_matters_in_a_host(string asked)
    {
        RouteTable table = Table(Instance("shop", 1, Route("sHop.example.com.")));

        Assert.Equal("shop", ServiceFor(table, asked));
    }

    [Theory]
    [InlineData("/", "root")]
    [InlineData("", "root")]
    [InlineData("/apis", "root")]
    [InlineData("/API", "root")]
    [InlineData("/api", "api")]
    [InlineData("/api/", "api")]
    [InlineData("/api/v2x/y", "api")]
    [InlineData("/api/v2", "v2")]
    [InlineData("/api/v2/users/7", "v2")]
    [InlineData("/files/a/b", "deep")]
    [InlineData("/files/a", "root")]
    public void The_longest_path_that_is_a_prefix_by_segment_wins(string path, string service)
    {
        RouteTable table = Table(
            Instance("root", 1, Route("h.test")),
            Instance("api", 1, Route("h.test", "/api/")),
            Instance("v2", 1, Route("h.test", "/api/v2")),
            Instance("deep", 1, Route("h.test", "/files/a/b")));

        Assert.Equal(service, ServiceFor(table, "h.test", path));
    }

    [Fact]
    public void An_explicit_priority_goes_before_the_length_of_the_path()
    {
        RouteTable table = Table(
            Instance("maintenance", 1, Route("h.test", "/", priority: 10)),
            Instance("api", 1, Route("h.test", "/api")),
            Instance("status", 1, Route("h.test", "/status", priority: 11)));

        Assert.Equal("maintenance", ServiceFor(table, "h.test", "/api/x"));
        Assert.Equal("status", ServiceFor(table, "h.test", "/status"));
    }

    [Fact]
    public void Of_two_services_with_one_host_and_path_the_older_is_served_and_the_other_named()
    {
        ServiceInstance young = Instance("a", 1, Route("h.test", "/x"));
        ServiceInstance old = Instance("b", 1, Route("h.test", "/x/")) with { RegisteredAt = Noon.AddHours(-1) };
        ServiceInstance unknownAge = Instance("c", 1, Route("h.test", "/x")) with { RegisteredAt = null };

        RouteTable table = Table(young, old, unknownAge);

        Assert.Equal("b", ServiceFor(table, "h.test", "/x"));
        Assert.Equal(["a", "c"], table.Problems.Select(p => p.Service));
        Assert.All(table.Problems, p => Assert.Contains("service b claims it too", p.Reason, StringComparison.Ordinal));
    }

    [Fact]
    public void An_explicit_priority_goes_before_age()
    {
        ServiceInstance old = Instance("old", 1, Route("h.test")) with { RegisteredAt = Noon.AddHours(-1) };

        RouteTable table = Table(old, Instance("young", 1, Route("h.test", priority: 1)));

        Assert.Equal("young", ServiceFor(table, "h.test"));
        Assert.Contains("priority 1 against 0", Assert.Single(table.Problems).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_loser_is_served_as_soon_as_the_winner_is_gone()
    {
        ServiceInstance winner = Instance("a", 1, Route("h.test"));
        CatalogSnapshot both = Snapshot(winner, Instance("b", 1, Route("h.test")));
        RouteTable before = RouteTable.Empty("localhost").Next(both);
        Assert.Equal("a", ServiceFor(before, "h.test"));

        RouteTable after = before.Next(both.Without(winner));

        Assert.Equal("b", ServiceFor(after, "h.test"));
        Assert.Empty(after.Problems);
    }

    [Fact]
    public void A_claim_that_becomes_the_younger_one_gives_way()
    {
        ServiceInstance winner = Instance("a", 1, Route("h.test"));
        CatalogSnapshot both = Snapshot(winner, Instance("b", 1, Route("h.test")) with { RegisteredAt = Noon.AddHours(1) });
        RouteTable before = RouteTable.Empty("localhost").Next(both);
        Assert.Equal("a", ServiceFor(before, "h.test"));

        RouteTable after = before.Next(both.With(winner with { RegisteredAt = Noon.AddHours(2) }));

        Assert.Equal("b", ServiceFor(after, "h.test"));
    }

    [Fact]
    public void A_route_with_an_unknown_field_is_quarantined_alone()
    {
        ServiceInstance fromTheFuture = CatalogJson.Read<ServiceInstance>("""
            {"id":"i","service":"web","address":"10.0.0.1","port":80,
             "routes":[{"host":"h.test","methods":["GET"],"source":"label x"},{"source":"SERVICE_NAME"}]}
            """u8).Record!;

        RouteTable table = Table(fromTheFuture);

        Assert.Null(ServiceFor(table, "h.test"));
        Assert.Equal("web", ServiceFor(table, "web.localhost"));
        RouteProblem problem = Assert.Single(table.Problems);
        Assert.Equal(("web", "h.test", "label x"), (problem.Service, problem.Host, problem.Source));
        Assert.Contains("unknown field methods", problem.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://h.test", null, "without scheme, port and path")]
    [InlineData("h.test:80", null, "without scheme, port and path")]
    [InlineData("h..test", null, "without scheme, port and path")]
    [InlineData("*.h.test", null, "wildcards")]
    [InlineData("", null, "empty")]
    [InlineData("h.test", "api", "must start with /")]
    [InlineData("h.test", "/a?b", "without ?")]
    [InlineData("h.test", "/a/*", "without *")]
    [InlineData("h.test", "/a%20b", "unescaped")]
    [InlineData("h.test", "/a b", "blank")]
    [InlineData("h.test", "/a/../b", "segments")]
    [InlineData("h.test", "/a//b", "segments")]
    public void A_host_or_path_that_can_match_nothing_is_quarantined_with_its_reason(string host, string? path, string reason)
    {
        RouteTable table = Table(Instance("web", 1, Route(host, path), Route()), Instance("web", 2, Route(host, path), Route()));

        Assert.Contains(reason, Assert.Single(table.Problems).Reason, StringComparison.Ordinal);
        Assert.Equal("web.localhost", Assert.Single(table.Routes).Host);
    }

    [Fact]
    public void A_host_of_any_length_is_bounded()
    {
        RouteTable table = Table(Instance("web", 1, Route(new string('a', 254)), Route(path: "/" + new string('a', 1024))));

        Assert.Equal(2, table.Problems.Count());
    }

    [Fact]
    public void A_service_gets_so_many_routes_and_no_more()
    {
        RouteTable table = Table(Instance("web", 1, [.. Enumerable.Range(0, Limits.RoutesPerService + 2).Select(i => Route($"h{i}.test"))]));

        Assert.Equal(Limits.RoutesPerService, table.Routes.Count());
        Assert.Equal(2, table.Problems.Count());
    }

    [Fact]
    public void An_instance_that_speaks_udp_is_no_destination()
    {
        RouteTable table = Table(Instance("web", 1, Route()), Instance("web", 2, Route()) with { Protocol = "udp" });

        Assert.Equal("h1:web-1:80", Assert.Single(table.ClusterOf("web")!.Destinations.Values).Instance.Id);
        Assert.Contains("only tcp", Assert.Single(table.Problems).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_instances_that_take_requests_are_available_and_all_are_known()
    {
        RouteTable table = Table(
            Instance("web", 1, Route()),
            Instance("web", 2, Route()) with { Health = Health.Critical },
            Instance("web", 3, Route()) with { Health = Health.Warning },
            Instance("web", 4, Route()) with { Health = Health.Starting },
            Instance("web", 5, Route()) with { State = InstanceState.Draining },
            Instance("web", 6, Route()) with { State = InstanceState.Maintenance });

        Cluster cluster = table.Find("web.localhost", "/")!.Value.Cluster;

        Assert.Equal(["h1:web-1:80", "h1:web-3:80"], cluster.Available.ToArray().Select(d => d.Instance.Id));
        Assert.Equal(6, cluster.Destinations.Count);
        Assert.Equal("h1:web-5:80", Assert.Single(table.Draining).Value.Instance.Id);
    }

    [Fact]
    public void Instances_that_come_and_go_never_touch_the_routes()
    {
        ServiceInstance oldest = Instance("web", 1, Route()) with { RegisteredAt = Noon.AddHours(-1) };
        CatalogSnapshot first = Snapshot(oldest, Instance("web", 2, Route()), Instance("other", 1, Route()));
        RouteTable before = RouteTable.Empty("localhost").Next(first);

        RouteTable after = before.Next(first.With(Instance("web", 3, Route())).Without(oldest));

        Assert.Same(before.Hosts, after.Hosts);
        Assert.Equal(["h1:web-2:80", "h1:web-3:80"], after.ClusterOf("web")!.Available.ToArray().Select(d => d.Instance.Id));
        Assert.Same(before.ClusterOf("other"), after.ClusterOf("other"));
    }

    [Fact]
    public void A_snapshot_with_the_same_services_is_the_same_table()
    {
        CatalogSnapshot first = Snapshot(Instance("web", 1, Route()));
        RouteTable before = RouteTable.Empty("localhost").Next(first);

        Assert.Same(before, before.Next(first with { Revision = first.Revision + 7 }));
    }

    [Fact]
    public void What_is_known_of_an_instance_lasts_until_it_is_another()
    {
        ServiceInstance instance = Instance("web", 1, Route());
        CatalogSnapshot first = Snapshot(instance);
        RouteTable before = RouteTable.Empty("localhost").Next(first);
        Traffic traffic = before.ClusterOf("web")!.Available[0].Traffic;

        RouteTable sick = before.Next(first.With(instance with { Health = Health.Critical }));
        Assert.Same(traffic, Assert.Single(sick.ClusterOf("web")!.Destinations).Value.Traffic);

        RouteTable moved = before.Next(first.With(instance with { Port = 31111 }));
        Assert.NotSame(traffic, Assert.Single(moved.ClusterOf("web")!.Destinations).Value.Traffic);

        RouteTable replaced = before.Next(first.With(instance with { Container = new() { Id = "other" } }));
        Assert.NotSame(traffic, Assert.Single(replaced.ClusterOf("web")!.Destinations).Value.Traffic);
    }

    /// <summary>
    /// Goal: a table that was reached by any chain of changes equals the one made from nothing. How: few names, so that
    /// claims collide, lose, win back and move; every step is compared.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Any_chain_of_changes_ends_in_the_table_made_from_nothing(int seed)
    {
        var random = new Random(seed);
        CatalogSnapshot snapshot = Snapshot();
        RouteTable table = RouteTable.Empty("localhost").Next(snapshot);
        for (int step = 0; step < 400; step++)
        {
            for (int changes = random.Next(1, 4); changes > 0; changes--)
            {
                snapshot = Change(snapshot, random);
            }

            table = table.Next(snapshot);

            string fresh = Describe(RouteTable.Empty("localhost").Next(snapshot));
            Assert.True(fresh == Describe(table), $"seed {seed}, step {step}: from nothing\n{fresh}\nby steps\n{Describe(table)}");
        }
    }

    private static CatalogSnapshot Change(CatalogSnapshot snapshot, Random random)
    {
        ServiceInstance[] all = [.. snapshot.Services.Values.SelectMany(s => s.Instances)];
        if (all.Length > 0 && random.Next(3) == 0)
        {
            return snapshot.Without(all[random.Next(all.Length)]);
        }

        if (all.Length > 0 && random.Next(3) == 0)
        {
            // A deploy that changes nothing but the age.
            return snapshot.With(all[random.Next(all.Length)] with { RegisteredAt = Noon.AddMinutes(random.Next(5)) });
        }

        string[] hosts = ["a.test", "b.test", "not a host"];
        string[] paths = ["", "/", "/x", "/x/y", "bad"];
        InstanceRoute[] routes = [.. Enumerable.Range(0, random.Next(3)).Select(_ => Route(
            random.Next(3) == 0 ? null : hosts[random.Next(hosts.Length)],
            paths[random.Next(paths.Length)],
            random.Next(4) == 0 ? random.Next(3) : null))];
        return snapshot.With(Instance($"s{random.Next(4)}", random.Next(3), routes) with
        {
            RegisteredAt = random.Next(5) == 0 ? null : Noon.AddMinutes(random.Next(5)),
            Health = (Health)random.Next(4),
            State = (InstanceState)random.Next(3),
            Protocol = random.Next(8) == 0 ? "udp" : "tcp",
            Weight = random.Next(3),
        });
    }

    private static string Describe(RouteTable table) => string.Join('\n',
    [
        .. table.Routes.Select(r => $"{r} {string.Join(' ', table.ClusterOf(r.Service)!.Available.ToArray().Select(d => d.Prefix))}"),
        .. table.Problems.Select(p => p.ToString()),
        .. table.Draining.Select(d => $"draining {d.Key}"),
        .. table.Routes.SelectMany(r => new[] { r.Path, $"{r.Path}/x/y/z" }.Select(path => $"{r.Host}{path} to {table.Find(r.Host, path)?.Route.Service}")),
    ]);
}
