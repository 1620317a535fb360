using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Discovery.Catalog;

namespace Discovery.Testing;

/// <summary>
/// Debian's etcd as a careful operator runs it: three members, TLS with client certificates, users and roles. Members
/// can be killed and started again.
/// </summary>
public sealed class SecuredEtcd : IAsyncDisposable
{
    /// <summary>The user that programs log in as; it may do anything below <c>/discovery/</c> and nothing else.</summary>
    public const string User = "discovery";

    /// <summary>The user's password, which has to be escaped in a URL.</summary>
    public const string Password = "p@ss/w:rd";

    private const int Members = 3;

    private readonly TempDirectory _folder = new();
    private readonly int[] _ports = [.. Enumerable.Range(0, Members).Select(static _ => FreePort.Next())];
    private readonly int[] _peerPorts = [.. Enumerable.Range(0, Members).Select(static _ => FreePort.Next())];
    private readonly RunningProcess?[] _members = new RunningProcess?[Members];

    private SecuredEtcd()
    {
    }

    /// <summary>The endpoints as <c>--store</c> wants them.</summary>
    public string Flag => $"etcds://{User}:{Uri.EscapeDataString(Password)}@{string.Join(',', _ports.Select(static p => $"127.0.0.1:{p}"))}";

    /// <summary>For <c>--store-ca</c>.</summary>
    public string Authority => _folder["ca.pem"];

    /// <summary>For <c>--store-cert</c>.</summary>
    public string Certificate => _folder["client.pem"];

    /// <summary>For <c>--store-key</c>.</summary>
    public string Key => _folder["client.key"];

    /// <summary>Starts the members, makes the users, turns auth on.</summary>
    public static async Task<SecuredEtcd> StartAsync()
    {
        var cluster = new SecuredEtcd();
        try
        {
            cluster.WriteCertificates();
            await Task.WhenAll(Enumerable.Range(0, Members).Select(cluster.StartMemberAsync));
            await cluster.TurnAuthOnAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client as the programs make it.</summary>
    public StoreClient NewClient() => new(StoreAddress.Parse(Flag, Authority, Certificate, Key));

    /// <summary>Kills a member as a power cut would.</summary>
    public Task KillMemberAsync(int member) => _members[member]!.KillAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (RunningProcess? member in _members)
        {
            if (member is not null)
            {
                await member.DisposeAsync();
            }
        }

        _folder.Dispose();
    }

    private async Task StartMemberAsync(int member)
    {
        string client = $"https://127.0.0.1:{_ports[member]}";
        string peer = $"http://127.0.0.1:{_peerPorts[member]}";
        _members[member] = RunningProcess.Start("etcd",
        [
            "--name", $"m{member}",
            "--data-dir", _folder[$"data{member}"],
            "--listen-client-urls", client,
            "--advertise-client-urls", client,
            "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer,
            "--initial-cluster", string.Join(',', _peerPorts.Select(static (port, m) => $"m{m}=http://127.0.0.1:{port}")),
            "--cert-file", _folder["server.pem"],
            "--key-file", _folder["server.key"],
            "--client-cert-auth",
            "--trusted-ca-file", Authority,
        ]);
        await Eventually.HoldsAsync(
            async () => (await EtcdctlAsync($"--endpoints={client}", "endpoint", "health")).ExitCode == 0,
            saw: () => _members[member]!.Tail,
            what: $"member {member} is healthy");
    }

    private async Task TurnAuthOnAsync()
    {
        string endpoint = $"--endpoints=https://127.0.0.1:{_ports[0]}";
        string[][] steps =
        [
            ["user", "add", "root:root"],
            ["user", "grant-role", "root", "root"],
            ["role", "add", "root"],
            ["role", "add", User],
            ["role", "grant-permission", "--prefix=true", User, "readwrite", "/discovery/"],
            ["user", "add", $"{User}:{Password}"],
            ["user", "grant-role", User, User],
            ["auth", "enable"],
        ];

        // The role root must stand before it is granted.
        foreach (string[] step in steps.OrderBy(static s => s is ["role", "add", ..] ? 0 : 1))
        {
            FinishedProcess done = await EtcdctlAsync([endpoint, .. step]);
            if (done.ExitCode != 0)
            {
                throw new InvalidOperationException($"etcdctl {string.Join(' ', step)}: {done.Error}{done.Output}");
            }
        }
    }

    private Task<FinishedProcess> EtcdctlAsync(params string[] arguments) => RunningProcess.RunAsync(
        "etcdctl",
        [$"--cacert={Authority}", $"--cert={Certificate}", $"--key={Key}", .. arguments],
        new Dictionary<string, string?> { ["ETCDCTL_API"] = "3" });

    private void WriteCertificates()
    {
        using var caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var caRequest = new CertificateRequest("CN=Discovery tests", caKey, HashAlgorithmName.SHA256);
        caRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));

        // It must outlive what it issues, a second later.
        using X509Certificate2 ca = caRequest.CreateSelfSigned(From, To.AddDays(1));
        File.WriteAllText(Authority, ca.ExportCertificatePem());
        Issue(ca, "server");
        Issue(ca, "client");
    }

    private void Issue(X509Certificate2 ca, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // No common name: etcd would take it for the user, before any token.
        var request = new CertificateRequest($"O={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 issued = request.Create(ca, From, To, RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(_folder[$"{name}.pem"], issued.ExportCertificatePem());
        File.WriteAllText(_folder[$"{name}.key"], key.ExportPkcs8PrivateKeyPem());
    }

    private static DateTimeOffset From => TimeProvider.System.GetUtcNow().AddHours(-1);

    private static DateTimeOffset To => TimeProvider.System.GetUtcNow().AddDays(1);
}
