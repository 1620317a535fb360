using System.Globalization;

namespace Discovery.Testing;

/// <summary>One host of a <see cref="ClusterNetwork"/>.</summary>
/// <param name="Namespace">Its network namespace, below <c>/run/netns</c>.</param>
/// <param name="Address">Its IPv4 address, reached from the tests and from the other hosts.</param>
public sealed record NetworkHost(string Namespace, string Address);

/// <summary>
/// Hosts of a test's own: a network namespace each, joined by a bridge that lies in a namespace too, so that no packet filter and no
/// bridge of the machine is touched. Packets from one host to another can be dropped, one way or both; the tests, as clients, reach
/// every host all the time. Needs root.
/// </summary>
public sealed class ClusterNetwork : IAsyncDisposable
{
    private const string Prefix = "dscnet";

    /// <summary>Hosts begin here; .1 is the tests' own end.</summary>
    private const int FirstAddress = 11;

    private readonly string _name;
    private readonly string _link;
    private readonly string _subnet;
    private readonly List<NetworkHost> _hosts = [];

    private ClusterNetwork()
    {
        int subnet = Random.Shared.Next(1, 255);
        _name = $"{Prefix}-{Environment.ProcessId}-{subnet}";
        // Names of interfaces end at 15 characters.
        _link = $"dsc{Environment.ProcessId % 1_000_000}n{subnet}";
        _subnet = $"10.214.{subnet}";
    }

    /// <summary>The hosts, in order.</summary>
    public IReadOnlyList<NetworkHost> Hosts => _hosts;

    private string Switch => $"{_name}-switch";

    /// <summary>Makes the namespaces, links and addresses.</summary>
    public static async Task<ClusterNetwork> CreateAsync(int hosts)
    {
        await RemoveAbandonedAsync();
        var network = new ClusterNetwork();
        try
        {
            await network.MakeSwitchAsync();
            for (int host = 0; host < hosts; host++)
            {
                await network.MakeHostAsync(host);
            }

            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>Drops what one host sends to another; the other way stays open, acknowledgements of TCP excepted.</summary>
    public Task CutAsync(int from, int to) =>
        RunAsync("nsenter", $"--net=/run/netns/{_hosts[to].Namespace}", "iptables", "-w", "-A", "INPUT", "-s", _hosts[from].Address, "-j", "DROP");

    /// <summary>Drops everything between these hosts and all others, either way.</summary>
    public async Task SplitAsync(params IReadOnlyCollection<int> side)
    {
        foreach (int other in Enumerable.Range(0, _hosts.Count).Where(h => !side.Contains(h)))
        {
            foreach (int host in side)
            {
                await CutAsync(host, other);
                await CutAsync(other, host);
            }
        }
    }

    /// <summary>Lets everything through again.</summary>
    public async Task HealAsync()
    {
        foreach (NetworkHost host in _hosts)
        {
            await RunAsync("nsenter", $"--net=/run/netns/{host.Namespace}", "iptables", "-w", "-F", "INPUT");
        }
    }

    /// <summary>Takes the namespaces away, and with them links and rules. Processes in them must have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        // The test's end of the link goes at once when it is deleted; with its namespace it would go some time later.
        await RunningProcess.RunAsync("ip", ["link", "del", _link]);
        foreach (string name in _hosts.Select(static h => h.Namespace).Append(Switch))
        {
            await RunningProcess.RunAsync("ip", ["netns", "del", name]);
        }
    }

    /// <summary>What test runs left that were killed: their process ids are in the names.</summary>
    private static async Task RemoveAbandonedAsync()
    {
        if (!Directory.Exists("/run/netns"))
        {
            return;
        }

        foreach (string name in Directory.EnumerateFileSystemEntries("/run/netns", $"{Prefix}-*").Select(static path => Path.GetFileName(path)))
        {
            string[] parts = name.Split('-');
            if (parts.Length > 2 && int.TryParse(parts[1], CultureInfo.InvariantCulture, out int owner) && !Directory.Exists($"/proc/{owner}"))
            {
                await RunningProcess.RunAsync("ip", ["netns", "del", name]);
            }
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        FinishedProcess finished = await RunningProcess.RunAsync(program, arguments);
        if (finished.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {finished.Error}Network namespaces need root");
        }
    }

    private static Task IpAsync(params string[] arguments) => RunAsync("ip", arguments);

    private async Task MakeSwitchAsync()
    {
        await IpAsync("netns", "add", Switch);
        await IpAsync("-n", Switch, "link", "add", "br0", "type", "bridge");
        await IpAsync("-n", Switch, "link", "set", "br0", "up");
        await IpAsync("link", "add", _link, "type", "veth", "peer", "name", "tests", "netns", Switch);
        await IpAsync("-n", Switch, "link", "set", "tests", "master", "br0", "up");
        await IpAsync("addr", "add", $"{_subnet}.1/24", "dev", _link);
        await IpAsync("link", "set", _link, "up");
    }

    private async Task MakeHostAsync(int index)
    {
        var host = new NetworkHost($"{_name}-h{index}", $"{_subnet}.{FirstAddress + index}");
        _hosts.Add(host);
        await IpAsync("netns", "add", host.Namespace);
        await IpAsync("-n", host.Namespace, "link", "set", "lo", "up");
        await IpAsync("-n", host.Namespace, "link", "add", "eth0", "type", "veth", "peer", "name", $"h{index}", "netns", Switch);
        await IpAsync("-n", Switch, "link", "set", $"h{index}", "master", "br0", "up");
        await IpAsync("-n", host.Namespace, "addr", "add", $"{host.Address}/24", "dev", "eth0");
        await IpAsync("-n", host.Namespace, "link", "set", "eth0", "up");
    }
}
