using System.Formats.Tar;

namespace Discovery.Testing;

/// <summary>
/// The image of the containers under test: Debian's static busybox as a web server on port 8080, from scratch, since no
/// registry is assumed. <c>/</c> answers "sample", <c>/cgi-bin/who</c> the container's host name; the file <c>/up</c>
/// is there to be removed when a container is to become unhealthy.
/// </summary>
public static class SampleImage
{
    /// <summary>Its name.</summary>
    public const string Tag = "discovery-tests-sample:1";

    /// <summary>The port that it exposes and serves.</summary>
    public const int Port = 8080;

    private const string Dockerfile =
        """
        FROM scratch
        COPY files/ /
        EXPOSE 8080
        CMD ["/bin/sh", "-c", "trap 'exit 0' TERM; httpd -f -p 8080 -h /www & wait"]
        """;

    private const string Who = "#!/bin/sh\necho 'Content-Type: text/plain'\necho\nhostname\n";

    private static readonly string[] Busyboxes = ["/usr/bin/busybox", "/bin/busybox"];

    /// <summary>Fails while the container is meant to be unhealthy.</summary>
    public static IReadOnlyList<string> HealthCommand { get; } = ["test", "-e", "/up"];

    /// <summary>Builds it; cheap when it is there already.</summary>
    public static async Task BuildAsync(DockerEngine engine)
    {
        string busybox = Busyboxes.FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException("The sample image needs a static busybox; run: apt-get install busybox-static");
        using var tar = new MemoryStream();
        await using (var writer = new TarWriter(tar, leaveOpen: true))
        {
            await WriteTextAsync(writer, "Dockerfile", Dockerfile, executable: false);
            await writer.WriteEntryAsync(busybox, "files/bin/busybox");
            foreach (string applet in new[] { "sh", "httpd", "test", "rm", "touch", "hostname" })
            {
                await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, $"files/bin/{applet}") { LinkName = "busybox" });
            }

            await WriteTextAsync(writer, "files/up", "", executable: false);
            await WriteTextAsync(writer, "files/www/index.html", "sample\n", executable: false);
            await WriteTextAsync(writer, "files/www/cgi-bin/who", Who, executable: true);
        }

        tar.Position = 0;
        await engine.BuildAsync(Tag, tar);
    }

    private static Task WriteTextAsync(TarWriter tar, string name, string text, bool executable)
    {
        UnixFileMode mode = executable
            ? UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute
            : UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        return tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name)
        {
            Mode = mode,
            ModificationTime = DateTimeOffset.UnixEpoch,
            DataStream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text)),
        });
    }
}
