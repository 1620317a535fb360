using Discovery.Catalog;
using Discovery.Sidecar.Checks;

namespace Discovery.Sidecar.Tests.Checks;

public sealed class CheckStateTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private static readonly CheckSpec Http = new() { Name = "http", Type = CheckType.Http, Initial = Health.Passing };

    private static readonly CheckSpec Ttl = new() { Name = "ttl", Type = CheckType.Ttl, Ttl = TimeSpan.FromSeconds(30) };

    [Fact]
    public void Status_before_the_first_result_is_the_initial_one() =>
        Assert.Equal(Health.Warning, new CheckState(Http with { Initial = Health.Warning }, At(0)).Status);

    [Theory]
    [InlineData(1, 1, "F", "C")]
    [InlineData(1, 3, "FF", "PP")]
    [InlineData(1, 3, "FFF", "PPC")]
    [InlineData(1, 3, "FFPFFPFF", "PPPPPPPP")]
    [InlineData(2, 1, "FPFPP", "CCCCP")]
    [InlineData(3, 2, "FFPPP", "PCCCP")]
    [InlineData(1, 1, "WPWFW", "WPWCW")]
    [InlineData(2, 1, "FWP", "CCP")]
    [InlineData(1, 2, "WFFW", "WWCW")]
    public void Thresholds_count_results_in_a_row(int healthy, int unhealthy, string results, string expected)
    {
        var state = new CheckState(Http with { HealthyThreshold = healthy, UnhealthyThreshold = unhealthy }, At(0));

        string statuses = string.Concat(results.Select((letter, i) =>
        {
            state.Apply(Result(letter), TimeSpan.Zero, At(i + 1));
            return state.Status.ToString()[0];
        }));

        Assert.Equal(expected, statuses);
    }

    [Fact]
    public void Failures_do_not_count_while_a_program_comes_up()
    {
        var state = new CheckState(Http with { Initial = Health.Starting, UnhealthyThreshold = 2 }, At(0));

        for (int second = 1; second < 30; second++)
        {
            state.Apply(Result('F'), TimeSpan.Zero, At(second));
            Assert.Equal(Health.Starting, state.Status);
        }

        state.Apply(Result('F'), TimeSpan.Zero, At(30));
        Assert.Equal(Health.Starting, state.Status);
        state.Apply(Result('F'), TimeSpan.Zero, At(31));

        Assert.Equal(Health.Critical, state.Status);
    }

    [Fact]
    public void Once_up_a_program_has_no_more_time_to_come_up()
    {
        var state = new CheckState(Http with { Initial = Health.Starting }, At(0));

        state.Apply(Result('P'), TimeSpan.Zero, At(1));
        state.Apply(Result('F'), TimeSpan.Zero, At(2));

        Assert.Equal(Health.Critical, state.Status);
    }

    /// <summary>A steady host causes no work: of a hundred equal results none is told.</summary>
    [Fact]
    public void Only_changes_are_told()
    {
        var state = new CheckState(Http, At(0), new() { Name = "http", Type = "http", Status = Health.Passing, Output = "fine" });

        for (int second = 1; second <= 100; second++)
        {
            state.Apply(CheckResult.Passing("fine"), TimeSpan.FromMilliseconds(second), At(second));
            Assert.Null(state.TakeChange("c1", null, At(second)));
        }

        state.Apply(Result('F'), TimeSpan.Zero, At(101));
        CheckChange? change = state.TakeChange("c1", null, At(101));

        Assert.Equal(("c1", Health.Critical, Noon.AddSeconds(101)), (change!.ContainerId, change.Check.Status, change.Check.ChangedAt));
        Assert.Null(state.TakeChange("c1", null, At(102)));
    }

    [Fact]
    public void Output_alone_is_told_every_thirty_seconds_at_most()
    {
        var state = new CheckState(Http, At(0));

        int told = Enumerable.Range(1, 120).Count(second =>
        {
            state.Apply(CheckResult.Passing($"seen {second}"), TimeSpan.Zero, At(second));
            return state.TakeChange("c1", null, At(second)) is not null;
        });

        Assert.Equal(4, told);
    }

    [Fact]
    public void Restart_of_the_sidecar_changes_nothing_while_results_say_the_same()
    {
        var record = new InstanceCheck { Name = "http", Type = "http", Status = Health.Critical, Output = "refused", ChangedAt = Noon.AddHours(-1) };
        var state = new CheckState(Http with { Initial = Health.Starting }, At(0), record);

        state.Apply(CheckResult.Critical("refused"), TimeSpan.Zero, At(1));

        Assert.Equal(record, state.Check);
        Assert.Null(state.TakeChange("c1", null, At(1)));
    }

    [Fact]
    public void Another_check_of_the_same_name_does_not_inherit() =>
        Assert.Equal(Health.Starting, new CheckState(
            Http with { Initial = Health.Starting }, At(0), new() { Name = "http", Type = "tcp", Status = Health.Passing }).Status);

    [Fact]
    public void Critical_for_too_long_is_deregistered_until_it_passes()
    {
        var state = new CheckState(Http with { DeregisterAfter = TimeSpan.FromSeconds(60) }, At(0));
        var told = new List<string>();
        foreach ((int second, char letter) in new[] { (1, 'F'), (30, 'F'), (60, 'F'), (61, 'F'), (90, 'F'), (100, 'W'), (101, 'F'), (160, 'F'), (161, 'F') })
        {
            state.Apply(Result(letter), TimeSpan.Zero, At(second));
            state.Review(At(second));
            if (state.TakeChange("c1", null, At(second)) is { } change)
            {
                told.Add($"{second} {change.Check.Status} {(change.IsDeregistered ? "out" : "in")}");
            }
        }

        Assert.Equal(["1 Critical in", "61 Critical out", "100 Warning in", "101 Critical in", "161 Critical out"], told);
    }

    [Fact]
    public void Silence_of_a_ttl_is_critical_and_a_word_ends_it()
    {
        var state = new CheckState(Ttl, At(0));

        state.Review(At(29.9));
        Assert.Equal((Health.Starting, TimeSpan.FromSeconds(30)), (state.Status, state.Deadline));
        state.Review(At(30));
        Assert.Equal(Health.Critical, state.Status);
        Assert.Null(state.Deadline);
        Assert.Contains("within 30s", state.Check.Output, StringComparison.Ordinal);
        state.Apply(Result('P'), TimeSpan.Zero, At(40));

        Assert.Equal((Health.Passing, TimeSpan.FromSeconds(70)), (state.Status, state.Deadline));
    }

    [Fact]
    public void Silence_of_a_ttl_is_noted_once_and_deregisters_in_time()
    {
        var state = new CheckState(Ttl with { DeregisterAfter = TimeSpan.FromSeconds(60) }, At(0));

        state.Review(At(31));
        Assert.Equal(TimeSpan.FromSeconds(91), state.Deadline);
        state.Review(At(60));
        state.Review(At(91));

        Assert.True(state.TakeChange("c1", null, At(91))!.IsDeregistered);
        Assert.Null(state.Deadline);
        Assert.Single(state.Report().History);
    }

    [Fact]
    public void History_keeps_the_last_hundred_and_equal_texts_once()
    {
        var state = new CheckState(Http, At(0));
        for (int i = 1; i <= 250; i++)
        {
            state.Apply(CheckResult.Passing(new string('x', 20)), TimeSpan.FromMilliseconds(i), At(i));
        }

        CheckReport report = state.Report();

        Assert.Equal(CheckLimits.History, report.History.Length);
        Assert.Equal((Noon.AddSeconds(151), Noon.AddSeconds(250)), (report.History[0].At, report.History[^1].At));
        Assert.Equal(TimeSpan.FromMilliseconds(250), report.Latency);
        Assert.Single(report.History.Select(static run => run.Summary).Distinct(ReferenceEqualityComparer.Instance));
    }

    [Fact]
    public void Last_failure_outlives_it()
    {
        var state = new CheckState(Http, At(0));

        state.Apply(CheckResult.Critical("HTTP 500", "HTTP 500\nstack"), TimeSpan.Zero, At(1));
        state.Apply(CheckResult.Passing("HTTP 200"), TimeSpan.Zero, At(2));

        Assert.Equal(("HTTP 200", "HTTP 500\nstack"), (state.Report().Output, state.Report().LastFailure));
    }

    [Fact]
    public void Output_is_bounded_and_cannot_steer_a_terminal()
    {
        Assert.Equal("a.[31mb\nc\td", CheckResult.Clean("a\u001b[31mb\r\nc\td\r\n", 4096));
        Assert.Equal("\u00e4\u00e4", CheckResult.Clean("\u00e4\u00e4\u00e4", 5));
        Assert.Equal("\ufffd", CheckResult.Clean("\ud800", 4096));
    }

    /// <summary>Goal: a plain second telling of the rules agrees with the state. How: random results, the seed in the message.</summary>
    [Fact]
    public void Random_results_lead_where_the_rules_say()
    {
        int seed = Random.Shared.Next();
        for (int life = 0; life < 300; life++)
        {
            var random = new Random(seed + life);
            CheckSpec spec = Http with { HealthyThreshold = random.Next(1, 4), UnhealthyThreshold = random.Next(1, 4), Initial = (Health)random.Next(4) };
            var state = new CheckState(spec, At(0));
            string results = "";
            char expected = spec.Initial.ToString()[0];
            for (int i = 0; i < 60; i++)
            {
                char letter = "PWF"[random.Next(3)];
                results += letter;
                state.Apply(Result(letter), TimeSpan.Zero, At(40 + i));
                int failures = results.Reverse().TakeWhile(static c => c == 'F').Count();
                int successes = results.Reverse().TakeWhile(static c => c != 'F').Count();
                expected = failures >= spec.UnhealthyThreshold ? 'C'
                    : failures == 0 && (expected is 'P' or 'W' || successes >= spec.HealthyThreshold) ? letter
                    : expected;
                Assert.True(expected == state.Status.ToString()[0], $"seed {seed}, life {life}: after {results} {state.Status}, wanted {expected}");
            }
        }
    }

    private static Moment At(double second) => new(TimeSpan.FromSeconds(second), Noon.AddSeconds(second));

    private static CheckResult Result(char letter) => letter switch
    {
        'P' => CheckResult.Passing("fine"),
        'W' => new(Health.Warning, "hm"),
        _ => CheckResult.Critical("refused"),
    };
}
