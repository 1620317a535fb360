using System.Collections.Immutable;
using System.Globalization;
using Discovery.Catalog;
using Discovery.Sidecar.Docker;
using Discovery.Sidecar.Registration;

namespace Discovery.Sidecar.Checks;

/// <summary>The checks that a container gets besides its HEALTHCHECK, and what it asked for and does not get.</summary>
internal sealed record CheckSet
{
    /// <summary>Nothing asked, nothing rejected.</summary>
    public static readonly CheckSet None = new();

    /// <summary>To be run, each with a name of its own.</summary>
    public EquatableArray<CheckSpec> Specs { get; init; } = [];

    /// <summary>What cannot be followed, each with the reason.</summary>
    public EquatableArray<RejectedLabel> Rejected { get; init; } = [];

    /// <summary>Whether the image's HEALTHCHECK counts for the instances' health.</summary>
    public bool CountsHealthcheck { get; init; } = true;

    /// <summary>The checks of the instance behind a port: its own, and those of the whole container.</summary>
    public IEnumerable<CheckSpec> Of(int port) => Specs.Where(s => s.Port is null || s.Port == port);
}

/// <summary>The labels and variables of an inspected container → its checks. Pure.</summary>
internal sealed class CheckRules
{
    private readonly Container _container;
    private readonly CheckLabels _labels;
    private readonly CheckTargets _targets;
    private readonly ImmutableArray<int> _ports;
    private readonly bool _allowsCommands;
    private readonly List<CheckSpec> _specs = [];
    private readonly List<RejectedLabel> _rejected = [];

    // Labels that some check has read: of the others somebody expects what does not come.
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    private CheckRules(Container container, ContainerLabels labels, IReadOnlyCollection<ContainerPort> ports, CheckPolicy policy, Container? network)
    {
        _container = container;
        _labels = CheckLabels.Of(labels);
        _targets = new(container, ports, policy, network);
        _ports = [.. ports.Where(static p => p.Protocol == "tcp").Select(static p => p.Number).Distinct().Order()];
        _allowsCommands = policy.AllowsCommands;
        _rejected.AddRange(_labels.Rejected);
    }

    /// <summary>What the container asks for.</summary>
    /// <param name="container">As inspected, running.</param>
    /// <param name="labels">Its labels and variables.</param>
    /// <param name="ports">Its ports that are registered.</param>
    /// <param name="preferred">The port that <c>discovery.port</c> names; null when there is none.</param>
    /// <param name="policy">What the host allows.</param>
    /// <param name="network">The container that <c>container:</c> mode names, if it is known.</param>
    public static CheckSet Of(
        Container container,
        ContainerLabels labels,
        IReadOnlyCollection<ContainerPort> ports,
        int? preferred,
        CheckPolicy policy,
        Container? network = null)
    {
        bool isGuest = container.HostConfig?.NetworkMode?.StartsWith("container:", StringComparison.Ordinal) == true;
        var rules = new CheckRules(container, labels, ports, policy, isGuest ? network : container);
        return rules._labels.IsEmpty && rules._rejected.Count == 0 ? CheckSet.None : rules.Judge(preferred);
    }

    private CheckSet Judge(int? preferred)
    {
        AddUnnamed(preferred);
        foreach (string name in _labels.Names)
        {
            AddNamed(name, preferred);
        }

        AddService();
        bool counts = CountsHealthcheck();
        RejectIdle();
        foreach (CheckSpec spec in _specs.Skip(CheckLimits.PerContainer))
        {
            _rejected.Add(new(spec.Source, "", $"a container has at most {CheckLimits.PerContainer} checks; this one is left out"));
        }

        return new()
        {
            Specs = _specs.Take(CheckLimits.PerContainer).ToEquatableArray(),
            Rejected = _rejected.Distinct().ToEquatableArray(),
            CountsHealthcheck = counts,
        };
    }

    /// <summary><c>discovery.check.TYPE</c>: one of each type, named by it; its settings may stand under that name too.</summary>
    private void AddUnnamed(int? preferred)
    {
        foreach (string type in CheckLabels.Types)
        {
            if (_labels.Native("", type) is { } word && !CheckSettings.IsNo(word.Value))
            {
                Add(word, type, Native(type), new() { Name = type, Type = TypeOf(type), Source = word.Label, UnhealthyThreshold = 2 }, preferred);
            }
        }
    }

    /// <summary><c>discovery.check.NAME.TYPE</c>; a name that is a port concerns that port's instance alone.</summary>
    private void AddNamed(string name, int? preferred)
    {
        CheckWord[] asked = [.. CheckLabels.Types.Select(type => _labels.Native(name, type)).OfType<CheckWord>().Where(static w => !CheckSettings.IsNo(w.Value))];
        int? port = CheckLabels.PortOf(name);
        if (port is { } own && !_ports.Contains(own))
        {
            RejectAll(name, $"the container has no TCP port {own} in the catalog; it has {ContainerPorts.Names(_ports)}");
            return;
        }

        foreach (string type in CheckLabels.Types)
        {
            if (_labels.Native(name, type) is not { } word || CheckSettings.IsNo(word.Value))
            {
                continue;
            }

            if (port is null && asked.Length > 1 && word != asked[0])
            {
                _rejected.Add(new(word.Label, word.Value, $"the check \"{name}\" is made by {asked[0].Label}; give this one a name of its own"));
                continue;
            }

            var spec = new CheckSpec
            {
                Name = port is null ? name : PortName(type, port.Value),
                Type = TypeOf(type),
                Port = port,
                Source = word.Label,
                UnhealthyThreshold = 2,
            };
            Add(word, type, Native(name), spec, port ?? preferred);
        }
    }

    /// <summary>Registrator's: one check for each port, the first of its kinds that is asked for, as there.</summary>
    private void AddService()
    {
        foreach (int port in _ports)
        {
            CheckWord? winner = null;
            foreach (string type in CheckLabels.ServiceTypes)
            {
                if (_labels.Service(port, type) is not { } word || CheckSettings.IsNo(word.Value))
                {
                    continue;
                }

                if (winner is { } first)
                {
                    _rejected.Add(new(word.Label, word.Value, $"of registrator's checks a port has one, and {first.Label} comes first; add a second one with discovery.check.{type}"));
                    continue;
                }

                winner = word;
                var settings = new CheckSettings(key => Read(_labels.Service(port, key)), _rejected);
                var spec = new CheckSpec
                {
                    Name = PortName(type is "cmd" or "script" ? "exec" : type, port),
                    Type = TypeOf(type),
                    Port = port,
                    Source = word.Label,
                    OneWarns = true,
                };
                Add(type == "script" ? Interpolated(word, port) : word, type, settings, spec, port);
            }
        }
    }

    private void Add(CheckWord word, string type, CheckSettings settings, CheckSpec spec, int? port)
    {
        if (_specs.FirstOrDefault(s => s.Name == spec.Name) is { } other)
        {
            settings.Reject(word, $"the check \"{spec.Name}\" is made by {other.Source} already");
            return;
        }

        CheckSpec? found = spec.Type switch
        {
            CheckType.Ttl => Ttl(word, type, settings, spec),
            CheckType.Exec => Exec(word, settings, spec),
            _ => Networked(word, settings, spec, port),
        };

        // Read even when there is no check: what was rejected is the check, not each of its settings.
        CheckSpec whole = settings.Apply(found ?? spec, found?.Target);
        if (found is not null)
        {
            _specs.Add(whole);
        }
    }

    private CheckSpec? Networked(CheckWord word, CheckSettings settings, CheckSpec spec, int? preferred)
    {
        if (settings.Place(word, spec.Type) is not var (given, path))
        {
            return null;
        }

        int? port = given ?? preferred ?? (_ports.Length == 1 ? _ports[0] : null);
        if (port is null)
        {
            settings.Reject(word, $"which port is meant? The container has {ContainerPorts.Names(_ports)}; add discovery.port, or write the port as in :8080/healthz");
            return null;
        }

        (CheckTarget? target, string? problem) = _targets.At(port.Value);
        if (target is null)
        {
            settings.Reject(word, problem!);
            return null;
        }

        return spec with { Target = target, Path = path };
    }

    private static CheckSpec? Ttl(CheckWord word, string type, CheckSettings settings, CheckSpec spec) =>
        settings.Time(type, CheckLimits.TtlMin, CheckLimits.TtlMax) is { } ttl
            ? spec with { Ttl = ttl, UnhealthyThreshold = 1, Source = word.Label }
            : null;

    private CheckSpec? Exec(CheckWord word, CheckSettings settings, CheckSpec spec)
    {
        if (!_allowsCommands)
        {
            settings.Reject(word, "commands are run in containers only by a sidecar with --enable-exec-checks");
            return null;
        }

        return settings.Command(word) is { } command ? spec with { Command = new(command) } : null;
    }

    /// <summary>Registrator puts the service's address in; in the container that is the container itself.</summary>
    private static CheckWord Interpolated(CheckWord word, int port) => word with
    {
        Value = word.Value
            .Replace("$SERVICE_IP", "127.0.0.1", StringComparison.Ordinal)
            .Replace("$SERVICE_PORT", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal),
    };

    private bool CountsHealthcheck()
    {
        if (_labels.Healthcheck is not { } word)
        {
            return true;
        }

        if (CheckSettings.IsNo(word.Value))
        {
            return false;
        }

        if (!CheckSettings.IsYes(word.Value))
        {
            _rejected.Add(new(word.Label, word.Value, "docker is the image's HEALTHCHECK: wanted true or false; a command is asked for by discovery.check.exec"));
        }
        else if (_container.State?.Health is null)
        {
            _rejected.Add(new(word.Label, word.Value, "neither image nor container has a HEALTHCHECK"));
        }

        return true;
    }

    /// <summary>Settings that no check reads: most likely a check was forgotten, or its name or type mistaken.</summary>
    private void RejectIdle()
    {
        foreach (string name in _labels.Names.Append(""))
        {
            foreach ((string key, CheckWord word) in _labels.AllOf(name).Where(static w => !CheckLabels.AsksForCheck(w.Key)))
            {
                Reject(word, key, $"discovery.check.{(name.Length == 0 ? "" : name + ".")}http=/path");
            }
        }

        foreach ((string key, CheckWord word) in _ports.Length > 0 ? _labels.ServiceSettings : [])
        {
            Reject(word, key, "SERVICE_CHECK_HTTP=/path");
        }

        void Reject(CheckWord word, string key, string example)
        {
            if (!_read.Contains(word.Label) && !_rejected.Exists(r => r.Label == word.Label))
            {
                string whose = key switch
                {
                    "method" or "https-method" => "it is for http and https",
                    "tls" => "it is for grpc",
                    "tls-verify" or "tls-skip-verify" => "it is for https, and for grpc over TLS",
                    _ => $"ask for one with {example} or another type",
                };
                _rejected.Add(new(word.Label, word.Value, $"no check of the container reads it; {whose}"));
            }
        }
    }

    private void RejectAll(string name, string reason) => _rejected.AddRange(
        _labels.AllOf(name).Where(static w => w.Key != "docker").Select(w => new RejectedLabel(w.Value.Label, w.Value.Value, reason)));

    private CheckSettings Native(string name) => new(key => Read(_labels.Native(name, key) ?? _labels.Native("", key)), _rejected);

    private CheckWord? Read(CheckWord? word)
    {
        if (word is { } read)
        {
            _read.Add(read.Label);
        }

        return word;
    }

    private static string PortName(string type, int port) => string.Create(CultureInfo.InvariantCulture, $"{type}-{port}");

    private static CheckType TypeOf(string type) => type switch
    {
        "http" => CheckType.Http,
        "https" => CheckType.Https,
        "tcp" => CheckType.Tcp,
        "grpc" => CheckType.Grpc,
        "ttl" => CheckType.Ttl,
        _ => CheckType.Exec,
    };
}
