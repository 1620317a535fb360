using System.Runtime.CompilerServices;
using Discovery.Catalog;
using Discovery.Testing;
using Discovery.Testing.Histories;

namespace Discovery.Cluster.Tests.Setup;

/// <summary>
/// One cluster under one load. A trial ends with two proofs: what the clients saw is linearizable, whatever the members say; and
/// nothing acknowledged is lost: every member tells the same history, and it agrees with what the clients saw.
/// </summary>
/// <param name="Cluster">The members.</param>
/// <param name="Load">The clients.</param>
public sealed record Trial(RunningCluster Cluster, ClusterLoad Load)
{
    /// <summary>
    /// Runs a test on a new cluster under load, then checks the history on every member that runs. When anything fails, the message
    /// has the seed and the members' last lines, and their whole output lies in <c>artifacts/cluster-logs</c>.
    /// </summary>
    public static async Task RunAsync(ClusterOptions options, Func<Trial, Task> test, [CallerMemberName] string name = "")
    {
        await using RunningCluster cluster = await RunningCluster.StartAsync(options);
        await using ClusterLoad load = ClusterLoad.Start(cluster.Endpoints);
        var trial = new Trial(cluster, load);
        try
        {
            await load.GoesOnAsync();
            await test(trial);
            await trial.CheckHistoryAsync();
        }
        catch (Exception e)
        {
            string logs = Path.Combine(Repository.Artifacts, "cluster-logs", name);
            cluster.SaveLogs(logs);
            throw new TrialFailedException($"{e.Message}\nSeed of the load: {load.Options.Seed}; whole output in {logs}\n{cluster.Tail}", e);
        }
    }

    private async Task CheckHistoryAsync()
    {
        await Load.GoesOnAsync();
        IReadOnlyList<Operation> operations = await Load.StopAsync();
        using StoreClient client = Cluster.NewClient();
        Linearizability.Holds(operations);
        long mark = await ChangeReader.MarkEndAsync(client, Load.Options.Prefix);
        IReadOnlyList<Change>? first = null;
        foreach (RunningMember member in Cluster.Members.Where(static m => m.IsRunning))
        {
            IReadOnlyList<Change> changes = await ChangeReader.ReadAsync(member.ClientUrl, Load.Options.Prefix, mark);
            if (first is null)
            {
                HistoryCheck.Holds(operations, changes);
                first = changes;
            }

            // The members' whole histories, not their last states: one that skipped a change and made up for it is found.
            Assert.Equal(first, changes);
        }
    }
}

/// <summary>A trial failed; the message says where and what its members said.</summary>
public sealed class TrialFailedException(string message, Exception inner) : Exception(message, inner);
