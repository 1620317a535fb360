using Discovery.Simulator.Report;
using Discovery.Testing;

namespace Discovery.Simulator.Tests;

public sealed class DeterminismTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(3, 5)]
    public void The_same_seed_has_the_same_course_twice_in_a_row(long seed, int members)
    {
        SeedReport first = new SeedRunner(members).Run(seed);
        SeedReport second = new SeedRunner(members).Run(seed);

        Assert.Null(first.Violation);
        Assert.Equal(first.TraceHash, second.TraceHash);
        Assert.Equal(first.Tally.Counts, second.Tally.Counts);
    }

    /// <summary>Another process has other hash codes of strings, other addresses, other timing.</summary>
    [Fact]
    public async Task The_same_seed_has_the_same_course_in_another_process()
    {
        SeedReport here = new SeedRunner(3).Run(5);

        FinishedProcess there = await RunningProcess.RunAsync(
            Repository.Program("Discovery.Simulator", "Discovery.Simulator"), ["--seed", "5", "--members", "3", "--json"]);

        Assert.Equal(0, there.ExitCode);
        Assert.Contains($"\"{here.TraceHash:x16}\"", there.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_seed_has_another_course() =>
        Assert.NotEqual(new SeedRunner(3).Run(1).TraceHash, new SeedRunner(3).Run(2).TraceHash);
}
