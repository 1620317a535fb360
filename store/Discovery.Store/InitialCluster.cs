using System.Collections.Immutable;

namespace Discovery.Store;

/// <summary>A member as <c>--initial-cluster</c> gives it.</summary>
/// <param name="Name">What the flag calls it; the member may call itself otherwise.</param>
/// <param name="PeerUrls">Where the others reach it, in byte order.</param>
internal sealed record InitialMember(string Name, ImmutableArray<string> PeerUrls);

/// <summary>
/// What <c>--initial-cluster</c> says. Members are told apart by their peer URLs, since ids are made of them; a name is
/// for people. Pure.
/// </summary>
internal sealed class InitialCluster
{
    private readonly List<string> _problems = [];
    private readonly string _text;

    private InitialCluster(string text, ImmutableArray<InitialMember> members)
    {
        _text = text;
        Members = members;
    }

    /// <summary>Whoever could be read, in the order of their first mention.</summary>
    public ImmutableArray<InitialMember> Members { get; }

    /// <summary>Reads the flag; <see cref="Check"/> tells what is wrong with it.</summary>
    public static InitialCluster Parse(string text)
    {
        var problems = new List<string>();
        var parts = new List<(string Name, string Url)>();
        foreach (string part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            int split = part.IndexOf('=', StringComparison.Ordinal);
            string url = part[(split + 1)..].Trim();
            string? problem = split <= 0 ? "wanted name=peer-url, such as infra0=http://10.0.0.1:2380" : PeerUrl.Problem(url);
            if (problem is not null)
            {
                problems.Add($"--initial-cluster has \"{part}\"; {problem}");
                continue;
            }

            // Ids are made of the text: a slash at the end must not make another member of it.
            url = url.TrimEnd('/');
            string name = part[..split].Trim();
            if (parts.FirstOrDefault(other => PeerUrl.AreSame(other.Url, url)) is { Name: not null } same)
            {
                problems.Add($"--initial-cluster has {same.Name}={same.Url} and {name}={url}; wanted each peer URL once");
                continue;
            }

            parts.Add((name, url));
        }

        ImmutableArray<InitialMember> members =
        [
            .. from part in parts
               group part.Url by part.Name into member
               select new InitialMember(member.Key, [.. member.Order(StringComparer.Ordinal)]),
        ];
        var cluster = new InitialCluster(text, members);
        cluster._problems.AddRange(problems);
        return cluster;
    }

    /// <summary>
    /// The member that these options start: the one with the advertised peer URL. Without an advertised one the URL that
    /// is listened on tells, else the name. Null when nothing does.
    /// </summary>
    public InitialMember? Self(StoreOptions options)
    {
        bool isAdvertised = options.InitialAdvertisePeerUrls.Count > 0;
        IReadOnlyList<string> own = isAdvertised ? options.InitialAdvertisePeerUrls : options.ListenPeerUrls;
        return Members.FirstOrDefault(member => member.PeerUrls.Any(url => own.Any(mine => PeerUrl.AreSame(url, mine))))
            ?? (isAdvertised ? null : Named(options.Name));
    }

    /// <summary>Every problem, each one line.</summary>
    public IReadOnlyList<string> Check(StoreOptions options)
    {
        var problems = new List<string>(_problems);
        if (Members.IsEmpty && problems.Count == 0)
        {
            if (options.InitialClusterState == "existing")
            {
                problems.Add("--initial-cluster is empty and --initial-cluster-state is existing; wanted the members to join, as etcdctl member add prints them");
            }

            return problems;
        }

        // What could not be read may be the very member that is missing; one problem at a time.
        if (problems.Count == 0 && SelfProblem(options) is { } problem)
        {
            problems.Add(problem);
        }
        else if (problems.Count == 0 && options.InitialClusterState == "existing" && Members.Length == 1)
        {
            problems.Add(
                $"--initial-cluster is \"{_text}\" and --initial-cluster-state is existing; wanted the other members in it too, as etcdctl member add prints them");
        }

        return problems;
    }

    /// <summary>What is odd but works, each one line.</summary>
    public IReadOnlyList<string> Warnings(StoreOptions options)
    {
        var warnings = new List<string>();
        if (Self(options) is { } self && self.Name != options.Name)
        {
            warnings.Add($"--initial-cluster calls this member {self.Name}, --name says {options.Name}; {options.Name} is used (members are told apart by URL)");
        }

        InitialMember[] elsewhere = [.. Members.Where(static member => !member.PeerUrls.All(PeerUrl.IsLoopback))];
        foreach (InitialMember member in elsewhere.Length == 0 ? [] : Members.Except(elsewhere))
        {
            warnings.Add(
                $"--initial-cluster has {member.Name}={member.PeerUrls[0]}, which only the machine of {member.Name} itself can reach, while {elsewhere[0].Name} is at {elsewhere[0].PeerUrls[0]}; "
                + $"write the address by which the others reach it, on every member and in its --initial-advertise-peer-urls: {member.Name}=http://ADDRESS:{new Uri(member.PeerUrls[0]).Port}");
        }

        return warnings;
    }

    private string? SelfProblem(StoreOptions options)
    {
        IReadOnlyList<string> advertised = options.InitialAdvertisePeerUrls;
        InitialMember? self = Self(options);
        if (self is null)
        {
            string[] own = [.. advertised.Count > 0 ? advertised : options.ListenPeerUrls.Select(PeerUrl.ReachableFromHere)];
            return Named(options.Name) is { } named
                ? $"--initial-cluster has {Written(named)}, --initial-advertise-peer-urls is {string.Join(',', own)}; wanted the same in both: "
                    + $"--initial-advertise-peer-urls {string.Join(',', named.PeerUrls)}, or {string.Join(',', own.Select(url => $"{options.Name}={url}"))} in --initial-cluster of every member"
                : $"--initial-cluster is \"{_text}\", with neither the peer URL {string.Join(',', own)} nor the name {options.Name}; "
                    + $"wanted this member in it, on every member: --initial-cluster {_text.TrimEnd(',')},{string.Join(',', own.Select(url => $"{options.Name}={url}"))}";
        }

        // The others compute this member's id of what they are given: it must be the same here.
        bool isSame = advertised.Count == 0
            || (advertised.All(url => self.PeerUrls.Any(other => PeerUrl.AreSame(url, other)))
                && self.PeerUrls.All(url => advertised.Any(other => PeerUrl.AreSame(url, other))));
        return isSame ? null
            : $"--initial-cluster has {Written(self)}, --initial-advertise-peer-urls is {string.Join(',', advertised)}; wanted the same URLs in both "
                + "(a name stands for one member: another member needs another name)";
    }

    private InitialMember? Named(string name) => Members.FirstOrDefault(member => member.Name == name);

    private static string Written(InitialMember member) => string.Join(',', member.PeerUrls.Select(url => $"{member.Name}={url}"));
}
