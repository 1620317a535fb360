using Discovery.Simulator.Time;

namespace Discovery.Simulator.Tests.Time;

public sealed class EventQueueTests
{
    [Fact]
    public void Events_happen_by_time_and_of_one_moment_in_the_order_of_scheduling()
    {
        var queue = new EventQueue();
        var chance = new Chance(1, "test");
        var happened = new List<(TimeSpan At, int Number)>();
        for (int i = 0; i < 1000; i++)
        {
            int number = i;
            var at = TimeSpan.FromSeconds(chance.Below(20));
            queue.At(at, () => happened.Add((at, number)));
        }

        while (queue.TakeNext(TimeSpan.FromMinutes(1)) is { } action)
        {
            action();
        }

        Assert.Equal(happened.OrderBy(static one => one.At).ThenBy(static one => one.Number), happened);
        Assert.Equal(1000, happened.Count);
        Assert.Equal(TimeSpan.FromMinutes(1), queue.Now);
    }

    [Fact]
    public void What_is_scheduled_for_the_past_happens_now()
    {
        var queue = new EventQueue();
        queue.After(TimeSpan.FromSeconds(5), () => queue.At(TimeSpan.FromSeconds(1), () => Assert.Equal(TimeSpan.FromSeconds(5), queue.Now)));

        queue.TakeNext(TimeSpan.MaxValue)!();
        queue.TakeNext(TimeSpan.MaxValue)!();

        Assert.Equal(2, queue.Steps);
    }

    [Fact]
    public void Events_after_the_end_wait()
    {
        var queue = new EventQueue();
        queue.After(TimeSpan.FromSeconds(5), static () => { });

        Assert.Null(queue.TakeNext(TimeSpan.FromSeconds(4)));
        Assert.NotNull(queue.TakeNext(TimeSpan.FromSeconds(5)));
    }
}
