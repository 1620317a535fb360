using Discovery.Simulator.Time;

namespace Discovery.Simulator.Tests.Time;

public sealed class MemberClockTests
{
    private readonly EventQueue _events = new();

    [Fact]
    public void A_fast_clock_runs_ahead_and_setting_the_time_of_day_does_not_touch_what_lasts()
    {
        var clock = new MemberClock(_events);
        Advance(10);
        clock.SetRate(2);
        clock.Set(TimeSpan.FromHours(-1));
        DateTimeOffset before = clock.GetUtcNow();
        Advance(20);

        Assert.Equal(TimeSpan.FromSeconds(30), clock.Elapsed);
        Assert.Equal(TimeSpan.FromSeconds(20), clock.GetUtcNow() - before);
    }

    [Fact]
    public void A_timer_fires_by_the_clock_of_its_machine_until_it_is_disposed()
    {
        var clock = new MemberClock(_events);
        clock.SetRate(0.5);
        var fired = new List<TimeSpan>();
        ITimer timer = clock.CreateTimer(_ => fired.Add(_events.Now), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));
        Advance(11);
        timer.Dispose();
        Advance(30);

        Assert.Equal([2, 6, 10], fired.Select(static at => at.TotalSeconds));
    }

    private void Advance(double to)
    {
        while (_events.TakeNext(TimeSpan.FromSeconds(to)) is { } action)
        {
            action();
        }
    }
}
