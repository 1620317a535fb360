using Discovery.Simulator.Network;

namespace Discovery.Simulator.Tests.Network;

public sealed class SimulatedLinkTests
{
    private const int Messages = 200;

    private readonly Simulation _simulation = new(7);
    private readonly List<int> _arrived = [];

    [Fact]
    public void Without_a_fault_all_arrive_once_and_in_order()
    {
        Send(NewLink());

        Assert.Equal(Enumerable.Range(0, Messages), _arrived);
    }

    [Fact]
    public void A_cut_way_loses_all_and_a_lossy_one_some()
    {
        SimulatedLink link = NewLink();
        link.Faults.IsCut = true;
        Send(link);
        Assert.Empty(_arrived);

        link.Faults.IsCut = false;
        link.Faults.Loss = 0.5;
        Send(link);
        Assert.InRange(_arrived.Count, 1, Messages - 1);
    }

    [Fact]
    public void A_clogged_way_holds_all_until_it_is_unclogged()
    {
        SimulatedLink link = NewLink();
        link.Faults.IsClogged = true;
        Send(link);
        Assert.Empty(_arrived);

        link.Unclog();
        Run();
        Assert.Equal(Enumerable.Range(0, Messages), _arrived);
    }

    [Fact]
    public void Messages_are_repeated_and_overtaken_where_that_is_wanted()
    {
        SimulatedLink link = NewLink();
        link.Faults.Duplication = 0.2;
        link.Faults.Reordering = 0.2;
        Send(link);

        Assert.True(_arrived.Count > Messages);
        Assert.Equal(Enumerable.Range(0, Messages), _arrived.Distinct().Order());
        Assert.NotEqual(_arrived.Order(), _arrived);
    }

    [Fact]
    public void A_big_message_makes_those_behind_it_wait()
    {
        SimulatedLink link = NewLink();
        link.Faults.Bandwidth = 1000;
        link.Send(5000, () => _arrived.Add(1));
        link.Send(1, () => Assert.True(_simulation.Now > TimeSpan.FromSeconds(5)));
        Run();

        Assert.Equal([1], _arrived);
    }

    private SimulatedLink NewLink() => new(_simulation, _simulation.ChanceOf("link"));

    private void Send(SimulatedLink link)
    {
        for (int i = 0; i < Messages; i++)
        {
            int number = i;
            link.Send(100, () => _arrived.Add(number));
        }

        Run();
    }

    private void Run() => _simulation.RunUntil(_simulation.Now + TimeSpan.FromMinutes(1));
}
