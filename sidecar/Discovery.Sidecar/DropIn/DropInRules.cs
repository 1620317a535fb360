using System.Collections.Immutable;
using Discovery.Catalog;
using Discovery.Sidecar.Docker;
using Discovery.Sidecar.Registration;

namespace Discovery.Sidecar.DropIn;

/// <summary>
/// What drop-in mode makes of the containers of this host: registrator's services, no records of the catalog. Owned by the
/// registration loop; it remembers who was seen, since one container may live in the network of another.
/// </summary>
internal sealed class DropInRules(DropInOptions options, string ip)
{
    private readonly Dictionary<string, Container> _seen = new(StringComparer.Ordinal);

    /// <summary>The verdict on a container; null when it concerns nobody any more.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="container">As inspected; null when it is gone.</param>
    /// <param name="host">This host.</param>
    public ContainerVerdict? Judge(string id, Container? container, HostIdentity host)
    {
        if (container is null)
        {
            _seen.Remove(id);
            return null;
        }

        _seen[id] = container;
        var warnings = ImmutableArray.CreateBuilder<string>();
        RegistratorVerdict verdict = RegistratorRules.Judge(container, Options(host, warnings), Find);
        bool isRunning = container.State?.Status is "running" or "paused";
        if (!isRunning && verdict.Services.IsEmpty)
        {
            return null;
        }

        return new ContainerVerdict
        {
            Id = container.Id,
            Name = ContainerNames.ContainerName(container),
            Image = container.Config?.Image ?? "",
            StartedAt = container.State?.StartedAt,
            Mirrored = verdict.Services.ToEquatableArray(),
            Refused = verdict.Services.IsEmpty ? string.Join("; ", verdict.Ignored) : null,
            Warnings = warnings.Concat(verdict.Services.IsEmpty ? [] : verdict.Ignored).ToEquatableArray(),
        };
    }

    private Container? Find(string name) => _seen.GetValueOrDefault(name)
        ?? _seen.Values.FirstOrDefault(other => other.Name?.TrimStart('/') == name || other.Id.StartsWith(name, StringComparison.Ordinal));

    private RegistratorOptions Options(HostIdentity host, ImmutableArray<string>.Builder warnings) => new()
    {
        Hostname = host.Name,
        HostAddress = host.Address,
        Ip = ip,
        Internal = options.Internal,
        Explicit = options.Explicit,
        UseIpFromLabel = options.UseIpFromLabel,
        DeregisterOnSuccessOnly = options.DeregisterOnSuccessOnly,
        ForcedTags = container => Tags(container, warnings),
    };

    private string Tags(Container container, ImmutableArray<string>.Builder warnings)
    {
        if (options.Tags is null)
        {
            return "";
        }

        (string? text, string? error) = options.Tags.Execute(container.Inspected);
        if (error is not null && !warnings.Contains($"-tags: {error}"))
        {
            warnings.Add($"-tags: {error}");
        }

        return text ?? "";
    }
}
