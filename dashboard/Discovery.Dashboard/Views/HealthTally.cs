using Discovery.Catalog;

namespace Discovery.Dashboard.Views;

/// <summary>How many instances have which health.</summary>
public readonly record struct HealthTally(int Passing, int Starting, int Warning, int Critical)
{
    /// <summary>The order in which pages show healths: what needs a human first.</summary>
    public static readonly IReadOnlyList<Health> WorstFirst = [Health.Critical, Health.Warning, Health.Starting, Health.Passing];

    /// <summary>All of them.</summary>
    public int Total => Passing + Starting + Warning + Critical;

    /// <summary>The worst health among them; passing when there are none.</summary>
    public Health Worst =>
        Critical > 0 ? Health.Critical : Warning > 0 ? Health.Warning : Starting > 0 ? Health.Starting : Health.Passing;

    /// <summary>How many have this health.</summary>
    public int this[Health health] => health switch
    {
        Health.Critical => Critical,
        Health.Warning => Warning,
        Health.Starting => Starting,
        _ => Passing,
    };

    /// <summary>Counts.</summary>
    public static HealthTally Of(IEnumerable<ServiceInstance> instances)
    {
        var tally = default(HealthTally);
        foreach (ServiceInstance instance in instances)
        {
            tally += instance.Health switch
            {
                Health.Critical => new(0, 0, 0, 1),
                Health.Warning => new(0, 0, 1, 0),
                Health.Starting => new(0, 1, 0, 0),
                _ => new HealthTally(1, 0, 0, 0),
            };
        }

        return tally;
    }

    /// <summary>0 for critical, 3 for passing: ascending order puts the worst first.</summary>
    public static int Rank(Health health) => health switch
    {
        Health.Critical => 0,
        Health.Warning => 1,
        Health.Starting => 2,
        _ => 3,
    };

    /// <summary>The sum.</summary>
    public static HealthTally operator +(HealthTally left, HealthTally right) => new(
        left.Passing + right.Passing, left.Starting + right.Starting, left.Warning + right.Warning, left.Critical + right.Critical);
}
