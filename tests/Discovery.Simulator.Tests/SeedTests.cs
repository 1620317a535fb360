using Discovery.Simulator.Report;

namespace Discovery.Simulator.Tests;

/// <summary>
/// A few seeds in every run of the tests, always the same; tests/run.sh runs more of them, and new ones.
/// </summary>
public sealed class SeedTests
{
    private const int Seeds = 15;

    [Fact]
    public void Clusters_keep_every_promise_whatever_fails()
    {
        Summary summary = new SeedRunner(members: 0).RunAll(Enumerable.Range(1, Seeds).Select(static seed => (long)seed), default, Console.Error, default);

        Assert.Empty(summary.Violated);
        Assert.Equal(Seeds, summary.Seeds);
    }

    /// <summary>Goal: a simulation in which nothing happens proves nothing.</summary>
    [Fact]
    public void Seeds_are_full_of_faults_and_calls()
    {
        Summary summary = new SeedRunner(members: 3).RunAll(Enumerable.Range(200, Seeds).Select(static seed => (long)seed), default, Console.Error, default);

        Assert.Empty(summary.Violated);
        Assert.True(summary.Tally.Sum("fault ") >= 6 * summary.Simulated.TotalMinutes, summary.ToString());
        Assert.True(summary.Tally.Sum("operations answered") >= 20 * summary.Simulated.TotalSeconds, summary.ToString());
        foreach (string what in (string[])["elections won", "snapshots saved", "snapshots installed", "messages lost", "messages repeated", "messages overtaken", "opened with a torn tail"])
        {
            Assert.True(summary.Tally[what] > 0, $"no {what}:\n{summary}");
        }
    }
}
