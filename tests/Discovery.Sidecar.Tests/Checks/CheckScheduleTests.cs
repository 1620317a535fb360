using Discovery.Sidecar.Checks;

namespace Discovery.Sidecar.Tests.Checks;

public sealed class CheckScheduleTests
{
    private static readonly TimeSpan Five = TimeSpan.FromSeconds(5);

    /// <summary>Goal: 200 containers that appear at once do not beat in time. How: every window of 100 ms within ten intervals is counted.</summary>
    [Fact]
    public void Two_hundred_checks_of_five_seconds_spread_evenly()
    {
        int seed = Random.Shared.Next();
        var schedule = new CheckSchedule(256, new Random(seed));
        for (int i = 0; i < 200; i++)
        {
            schedule.Set(Key(i), Five, TimeSpan.Zero);
        }

        int[] windows = new int[600];
        for (int ms = 0; ms < 60_000; ms++)
        {
            var now = TimeSpan.FromMilliseconds(ms);
            while (schedule.TryTake(now, out DueRun run))
            {
                windows[ms / 100]++;
                schedule.Ended(run, now);
            }
        }

        int[] steady = windows[100..];
        Assert.Equal(200 * 10, steady.Sum());
        Assert.True(steady.Max() <= 8 && steady.Min() >= 1, $"seed {seed}: 4 wanted in each window, found {steady.Min()} to {steady.Max()}");
    }

    [Fact]
    public void First_run_comes_soon_and_then_once_each_interval()
    {
        var schedule = new CheckSchedule(1, new Random(7));
        schedule.Set(Key(1), TimeSpan.FromMinutes(1), TimeSpan.Zero);

        List<double> starts = Play(schedule, 300_000, static _ => 3);

        Assert.InRange(starts[0], 0, CheckLimits.FirstRunSpread.TotalMilliseconds + 1);
        Assert.InRange(starts[1] - starts[0], 0, 60_001);
        Assert.All(starts.Zip(starts.Skip(1)).Skip(1), static pair => Assert.InRange(pair.Second - pair.First, 59_999, 60_001));
    }

    [Fact]
    public void Check_that_still_runs_is_not_started_again_and_turns_slept_through_are_left_out()
    {
        var schedule = new CheckSchedule(10, new Random(7));
        schedule.Set(Key(1), Five, TimeSpan.Zero);

        List<double> starts = Play(schedule, 60_000, static _ => 7_000);

        Assert.All(starts.Zip(starts.Skip(1)).Skip(1), static pair => Assert.InRange(pair.Second - pair.First, 9_999, 10_001));
    }

    [Fact]
    public void No_more_than_allowed_run_at_a_time_and_the_longest_due_goes_first()
    {
        var schedule = new CheckSchedule(2, new Random(7));
        schedule.Set(Key(1), Five, TimeSpan.Zero);
        schedule.Set(Key(2), Five, TimeSpan.FromSeconds(1));
        schedule.Set(Key(3), Five, TimeSpan.FromSeconds(2));
        var late = TimeSpan.FromSeconds(20);

        Assert.True(schedule.TryTake(late, out DueRun first));
        Assert.True(schedule.TryTake(late, out DueRun second));
        Assert.False(schedule.TryTake(late, out _));
        Assert.Null(schedule.Next);
        schedule.Ended(first, late);
        Assert.True(schedule.TryTake(late, out DueRun third));

        Assert.Equal([Key(1), Key(2), Key(3)], [first.Key, second.Key, third.Key]);
    }

    [Fact]
    public void Result_of_a_check_that_was_removed_or_replaced_meanwhile_does_not_count()
    {
        var schedule = new CheckSchedule(10, new Random(7));
        var now = TimeSpan.FromSeconds(1);
        schedule.Set(Key(1), Five, TimeSpan.Zero);
        schedule.Set(Key(2), Five, TimeSpan.Zero);
        Assert.True(schedule.TryTake(now, out DueRun one));
        Assert.True(schedule.TryTake(now, out DueRun two));
        (DueRun removed, DueRun replaced) = one.Key == Key(1) ? (one, two) : (two, one);

        schedule.Remove(Key(1));
        schedule.Set(Key(2), Five, now);
        Assert.False(schedule.TryTake(now + Five, out _));

        Assert.False(schedule.Ended(removed, now + Five));
        Assert.False(schedule.Ended(replaced, now + Five));
        Assert.True(schedule.TryTake(now + Five, out DueRun next));
        Assert.Equal(Key(2), next.Key);
        Assert.True(schedule.Ended(next, now + Five));
        Assert.Equal((1, 0), (schedule.Count, schedule.Running));
    }

    [Fact]
    public void What_is_coming_up_is_asked_again_soon()
    {
        var schedule = new CheckSchedule(10, new Random(7));
        schedule.Set(Key(1), TimeSpan.FromHours(1), TimeSpan.Zero);
        var now = TimeSpan.FromSeconds(1);
        Assert.True(schedule.TryTake(now, out DueRun run));

        schedule.Ended(run, now, soon: TimeSpan.FromSeconds(1));

        Assert.InRange(schedule.Next!.Value, now, now + TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void Storm_of_containers_leaves_nothing_behind()
    {
        var schedule = new CheckSchedule(10, new Random(7));
        for (int i = 0; i < 100_000; i++)
        {
            schedule.Set(Key(i), TimeSpan.FromHours(1), TimeSpan.Zero);
            schedule.Remove(Key(i));
        }

        Assert.Equal(0, schedule.Count);
        Assert.InRange(schedule.Queued, 0, 64);
        Assert.Null(schedule.Next);
    }

    /// <summary>
    /// Goal: whatever is added, removed, replaced and however long runs take, of one check never two run, never more than
    /// allowed at all, and with room every check comes to its turn. How: random lives; the seed is in the message.
    /// </summary>
    [Fact]
    public void Random_lives_keep_the_rules()
    {
        int seed = Random.Shared.Next();
        for (int life = 0; life < 60; life++)
        {
            PlayLife(new Random(seed + life), $"seed {seed}, life {life}");
        }
    }

    private static void PlayLife(Random random, string what)
    {
        int atOnce = random.Next(1, 20);
        var schedule = new CheckSchedule(atOnce, new Random(random.Next()));
        var running = new List<(DueRun Run, TimeSpan Ends)>();
        var wanted = new Dictionary<CheckKey, (TimeSpan Interval, TimeSpan LastSeen)>();
        for (TimeSpan now = TimeSpan.Zero; now < TimeSpan.FromMinutes(2); now += TimeSpan.FromMilliseconds(random.Next(1, 200)))
        {
            CheckKey key = Key(random.Next(30));
            if (random.Next(20) == 0)
            {
                wanted[key] = (TimeSpan.FromSeconds(random.Next(1, 10)), now);
                schedule.Set(key, wanted[key].Interval, now);
            }
            else if (random.Next(40) == 0)
            {
                wanted.Remove(key);
                schedule.Remove(key);
            }

            foreach ((DueRun Run, TimeSpan Ends) ended in running.Where(r => r.Ends <= now).ToList())
            {
                running.Remove(ended);
                schedule.Ended(ended.Run, now, random.Next(3) == 0 ? TimeSpan.FromSeconds(1) : null);
            }

            while (schedule.TryTake(now, out DueRun run))
            {
                Assert.True(running.All(r => r.Run.Key != run.Key), $"{what}: {run.Key.Name} is started twice");
                Assert.True(wanted.ContainsKey(run.Key), $"{what}: {run.Key.Name} is started and not wanted");
                running.Add((run, now + TimeSpan.FromMilliseconds(random.Next(1, 3_000))));
                wanted[run.Key] = (wanted[run.Key].Interval, now);
            }

            Assert.True(running.Count <= atOnce && running.Count == schedule.Running, $"{what}: {running.Count} run, {atOnce} are allowed");
            bool hasRoom = running.Count < atOnce;
            foreach ((CheckKey waiting, (TimeSpan interval, TimeSpan seen)) in wanted.Where(w => hasRoom && running.All(r => r.Run.Key != w.Key)))
            {
                Assert.True(
                    now - seen <= interval + TimeSpan.FromSeconds(4),
                    $"{what}: {waiting.Name} of interval {interval} has not run for {now - seen}, and there is room");
            }
        }
    }

    /// <summary>One check, in steps of a millisecond: when it was started, in milliseconds.</summary>
    private static List<double> Play(CheckSchedule schedule, int milliseconds, Func<int, int> duration)
    {
        var starts = new List<double>();
        (DueRun Run, int Ends)? running = null;
        for (int ms = 0; ms < milliseconds; ms++)
        {
            if (running is { } under && under.Ends == ms)
            {
                schedule.Ended(under.Run, TimeSpan.FromMilliseconds(ms));
                running = null;
            }

            if (schedule.TryTake(TimeSpan.FromMilliseconds(ms), out DueRun run))
            {
                Assert.Null(running);
                starts.Add(ms);
                running = (run, ms + duration(starts.Count));
            }
        }

        return starts;
    }

    private static CheckKey Key(int number) => new($"c{number}", "http");
}
