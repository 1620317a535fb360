using System.Collections.Immutable;
using Discovery.Catalog;

namespace Discovery.Sidecar.Registration;

/// <summary>An instance as the store holds it.</summary>
/// <param name="Instance">Null when the value is no instance; it is then overwritten or deleted.</param>
/// <param name="Lease">Which lease it hangs on.</param>
/// <param name="WrittenAt">When it was written or, in an earlier life of this process, first read.</param>
internal sealed record PublishedInstance(ServiceInstance? Instance, long Lease, DateTimeOffset WrittenAt);

/// <summary>What to write so that the store holds what the containers deserve: wanted − published. Pure.</summary>
internal sealed record RegistrationPlan(ImmutableArray<ServiceInstance> Puts, ImmutableArray<string> Deletes)
{
    /// <summary>Whether the store holds just that already.</summary>
    public bool IsEmpty => Puts.IsEmpty && Deletes.IsEmpty;

    /// <summary>Compares all of the host.</summary>
    /// <param name="verdicts">Every running container.</param>
    /// <param name="published">Every instance that the store holds of this host, by key.</param>
    /// <param name="lease">The lease that they should hang on.</param>
    /// <param name="engineSince">When the engine was last met: what it calls "starting" then may only be forgotten.</param>
    /// <param name="now">Becomes the time of changes.</param>
    public static RegistrationPlan Make(
        IEnumerable<ContainerVerdict> verdicts,
        ImmutableDictionary<string, PublishedInstance> published,
        long lease,
        DateTimeOffset engineSince,
        DateTimeOffset now)
    {
        // A name may pass from one container to another faster than both are inspected: the later run holds it.
        var wanted = new Dictionary<string, (ServiceInstance Instance, ContainerVerdict Verdict)>(StringComparer.Ordinal);
        foreach (ContainerVerdict verdict in verdicts.OrderBy(static v => v.StartedAt).ThenBy(static v => v.Id, StringComparer.Ordinal))
        {
            foreach (ServiceInstance instance in verdict.Instances)
            {
                wanted[CatalogKeys.Instance(instance.Host, instance.Service, instance.Id)] = (instance, verdict);
            }
        }

        var puts = ImmutableArray.CreateBuilder<ServiceInstance>();
        foreach ((string key, (ServiceInstance instance, ContainerVerdict verdict)) in wanted)
        {
            PublishedInstance? before = published.GetValueOrDefault(key);
            ServiceInstance next = Carry(instance, verdict, before?.Instance, engineSince, now);
            if (before is null || before.Lease != lease || MustWrite(next, before, now))
            {
                puts.Add(next);
            }
        }

        return new(
            [.. puts.OrderBy(static i => i.Id, StringComparer.Ordinal)],
            [.. published.Keys.Where(key => !wanted.ContainsKey(key)).Order(StringComparer.Ordinal)]);
    }

    /// <summary>The same instance with what only its past can tell: since when it and its checks are as they are.</summary>
    private static ServiceInstance Carry(
        ServiceInstance wanted, ContainerVerdict verdict, ServiceInstance? before, DateTimeOffset engineSince, DateTimeOffset now)
    {
        if (before is null || before.Container?.Id != wanted.Container?.Id)
        {
            return wanted with { RegisteredAt = now, Checks = wanted.Checks.Select(c => c with { ChangedAt = now }).ToEquatableArray() };
        }

        bool engineIsNew = now - engineSince < verdict.HealthGrace;
        var checks = wanted.Checks
            .Select(c => Settle(c, before.Checks.FirstOrDefault(b => b.Name == c.Name), engineIsNew ? verdict.StartedAt : null, now))
            .ToEquatableArray();
        ServiceInstance next = wanted with
        {
            Checks = checks,
            Health = checks.Count == 0 ? wanted.Health : checks.Select(static c => c.Status).MaxBy(Severity),
        };
        return next with { RegisteredAt = Substance(next) == Substance(before) ? before.RegisteredAt ?? now : now };
    }

    private static InstanceCheck Settle(InstanceCheck now, InstanceCheck? before, DateTimeOffset? startedBeforeEngine, DateTimeOffset time)
    {
        if (before is null)
        {
            return now with { ChangedAt = time };
        }

        // The same run has been further than "starting" already: the engine has forgotten, the container has not changed.
        bool forgotten = now.Status == Health.Starting && before.Status != Health.Starting
            && startedBeforeEngine is { } started && before.ChangedAt >= started;
        return forgotten ? before
            : now.Status == before.Status ? now with { ChangedAt = before.ChangedAt ?? time }
            : now with { ChangedAt = time };
    }

    private static bool MustWrite(ServiceInstance next, PublishedInstance before, DateTimeOffset now) =>
        before.Instance is null
        || (next != before.Instance
            && (now - before.WrittenAt >= Limits.OutputPace || Silent(next) != Silent(before.Instance)));

    /// <summary>What makes it this instance and no other: all but health, checks and times.</summary>
    private static ServiceInstance Substance(ServiceInstance instance) =>
        instance with { Health = default, Checks = [], State = default, RegisteredAt = null };

    private static ServiceInstance Silent(ServiceInstance instance) =>
        instance with { Checks = instance.Checks.Select(static c => c with { Output = "" }).ToEquatableArray() };

    private static int Severity(Health health) => health switch
    {
        Health.Passing => 0,
        Health.Warning => 1,
        Health.Starting => 2,
        _ => 3,
    };
}
