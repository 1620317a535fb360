using Discovery.Catalog;
using Discovery.Proxy.Routing;
using Discovery.Testing;
using static Discovery.Proxy.Tests.Catalogs;

namespace Discovery.Proxy.Tests;

public sealed class ClusterTests
{
    private const int Seed = 20261120;

    private readonly ManualTimeProvider _time = new();
    private readonly Random _random = new(Seed);

    private static Cluster Of(params ServiceInstance[] instances) => new(Snapshot(instances).Services["web"], null);

    private static Cluster Of(int instances) => Of([.. Enumerable.Range(1, instances).Select(i => Instance("web", i))]);

    private Destination? Choose(Cluster cluster, List<Destination>? tried = null) => cluster.Choose(_random, _time, tried).Destination;

    private Dictionary<string, int> ChooseOften(Cluster cluster, int times) => Enumerable.Range(0, times)
        .Select(_ => Choose(cluster)!.Instance.Id).CountBy(id => id).ToDictionary();

    [Fact]
    public void Nobody_is_chosen_where_nobody_takes_requests() =>
        Assert.Null(Choose(Of(Instance("web") with { Health = Health.Critical })));

    [Fact]
    public void Equal_instances_get_equal_shares()
    {
        Dictionary<string, int> chosen = ChooseOften(Of(4), 4000);

        Assert.Equal(4, chosen.Count);
        Assert.All(chosen.Values, count => Assert.InRange(count, 850, 1150));
    }

    [Fact]
    public void The_busiest_of_all_is_chosen_by_nobody()
    {
        Cluster cluster = Of(3);
        cluster.Available[1].Traffic.Begin();

        Assert.DoesNotContain(cluster.Available[1].Instance.Id, ChooseOften(cluster, 500).Keys);

        cluster.Available[1].Traffic.End();
        Assert.Contains(cluster.Available[1].Instance.Id, ChooseOften(cluster, 500).Keys);
    }

    [Fact]
    public void Weights_share_requests_and_weight_zero_waits_until_nobody_else_is_there()
    {
        Cluster cluster = Of(Instance("web", 1) with { Weight = 9 }, Instance("web", 2), Instance("web", 3) with { Weight = 0 });

        Dictionary<string, int> chosen = ChooseOften(cluster, 2000);

        Assert.InRange(chosen["h1:web-1:80"], 1700, 2000);
        Assert.DoesNotContain("h1:web-3:80", chosen.Keys);
        Assert.Equal("h1:web-3:80", Choose(Of(Instance("web", 3) with { Weight = 0 }))!.Instance.Id);
    }

    [Fact]
    public void An_instance_that_could_not_be_connected_to_is_avoided_then_probed_by_one_request()
    {
        Cluster cluster = Of(2);
        Destination broken = cluster.Available[0];
        Assert.Equal(TimeSpan.FromSeconds(1), broken.Traffic.Failed(wasProbe: false, _time));

        Assert.DoesNotContain(broken.Instance.Id, ChooseOften(cluster, 200).Keys);

        _time.Advance(TimeSpan.FromSeconds(1.1));
        Choice[] choices = [.. Enumerable.Range(0, 200).Select(_ => cluster.Choose(_random, _time, null))];
        Assert.Same(broken, Assert.Single(choices, c => c.IsProbe).Destination);
        Assert.Single(choices, c => c.Destination == broken);
    }

    [Fact]
    public void Each_failed_probe_doubles_the_time_and_a_success_ends_it()
    {
        Traffic traffic = new();
        Assert.Equal(TimeSpan.FromSeconds(1), traffic.Failed(wasProbe: false, _time));
        Assert.Null(traffic.Failed(wasProbe: false, _time));
        foreach (int seconds in new[] { 2, 4, 8, 16, 30, 30 })
        {
            _time.Advance(TimeSpan.FromSeconds(31));
            Assert.True(traffic.TryProbe(_time.GetTimestamp(), _time));
            Assert.False(traffic.TryProbe(_time.GetTimestamp(), _time));
            Assert.Equal(TimeSpan.FromSeconds(seconds), traffic.Failed(wasProbe: true, _time));
        }

        Assert.True(traffic.Succeeded());
        Assert.False(traffic.Succeeded());
        Assert.Equal(Standing.Open, traffic.Standing(_time.GetTimestamp()));
        Assert.Equal(TimeSpan.FromSeconds(1), traffic.Failed(wasProbe: false, _time));
    }

    [Fact]
    public void Requests_still_go_out_when_all_are_avoided()
    {
        Cluster cluster = Of(3);
        foreach (Destination destination in cluster.Available)
        {
            destination.Traffic.Failed(wasProbe: false, _time);
        }

        Assert.Equal(3, ChooseOften(cluster, 100).Count);
    }

    [Fact]
    public void A_request_tries_each_instance_once()
    {
        Cluster cluster = Of(3);
        var tried = new List<Destination>();
        for (int i = 0; i < 3; i++)
        {
            tried.Add(Choose(cluster, tried)!);
        }

        Assert.Equal(3, tried.Distinct().Count());
        Assert.Null(Choose(cluster, tried));
    }
}
