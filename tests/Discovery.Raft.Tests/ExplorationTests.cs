namespace Discovery.Raft.Tests;

public sealed class ExplorationTests
{
    private const int Seeds = 2_000;

    /// <summary>
    /// Goal: no order of faults breaks safety, and once they stop the cluster gets on. How: many random lives. A failure
    /// names its seed; <see cref="Seed_is_lived_again"/> repeats it alone.
    /// </summary>
    [Fact]
    public void Random_faults_break_nothing()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            Live(seed);
        }
    }

    [Theory]
    [InlineData(0)]
    public void Seed_is_lived_again(int seed) => Live(seed);

    private static void Live(int seed)
    {
        var exploration = new Exploration(seed);
        try
        {
            exploration.Run();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}: {e.Message}\n{exploration}", e);
        }
    }
}
