using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Discovery.Sidecar.Docker;

/// <summary>A command in a container, as the engine knows it: whether it goes on, and how it ended.</summary>
/// <param name="Running">Whether it goes on.</param>
/// <param name="ExitCode">Null while it does.</param>
internal sealed record ExecState(bool Running, int? ExitCode);

/// <summary>The engine understood the call and refused it, such as a command in a container that is paused.</summary>
internal sealed class DockerRefusedException(HttpStatusCode status, string message) : Exception(message)
{
    /// <summary>404: no such container or command; 409: it is in no state for that.</summary>
    public HttpStatusCode Status { get; } = status;
}

/// <summary>
/// Commands in containers. Called only with <c>--enable-exec-checks</c>: these are the only calls that write, and whoever
/// may make them is root in every container.
/// </summary>
internal sealed partial class DockerClient
{
    /// <summary>Stream type (1), zeros (3), length (4): the head of each piece of output (API: "Attach to a container").</summary>
    private const int FrameHeaderBytes = 8;

    /// <summary>Makes a command ready in a container; it does not run yet.</summary>
    /// <returns>The command's id.</returns>
    public async Task<string> CreateExecAsync(string container, ImmutableArray<string> command, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await PostAsync(
            $"{_version}containers/{Uri.EscapeDataString(container)}/exec",
            JsonContent.Create(new ExecCreate([.. command], true, true), ExecJson.Default.ExecCreate),
            cancellation);
        ExecCreated? created = await ReadBodyAsync(
            response, body => JsonSerializer.DeserializeAsync(body, ExecJson.Default.ExecCreated, cancellation).AsTask(), cancellation);
        return created?.Id ?? throw new DockerUnavailableException($"{Endpoint} made a command and gave it no id");
    }

    /// <summary>Runs a command that was made ready, to its end.</summary>
    /// <param name="exec">The command's id.</param>
    /// <param name="maxBytes">How much of its output is kept; the rest is read and dropped, or the command would wait for a reader.</param>
    /// <param name="cancellation">Stops listening. The command goes on: the engine has no way to end it.</param>
    /// <returns>What it printed on both streams.</returns>
    public async Task<string> StartExecAsync(string exec, int maxBytes, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await PostAsync(
            $"{_version}exec/{Uri.EscapeDataString(exec)}/start",
            new StringContent("""{"Detach":false,"Tty":false}""", Encoding.UTF8, "application/json"),
            cancellation);
        return await ReadBodyAsync(response, body => ReadOutputAsync(body, maxBytes, cancellation), cancellation);
    }

    /// <summary>How a command is getting on.</summary>
    public Task<ExecState?> InspectExecAsync(string exec, CancellationToken cancellation) => CallAsync(
        $"{_version}exec/{Uri.EscapeDataString(exec)}/json",
        async response => response.StatusCode == HttpStatusCode.NotFound
            ? null
            : await ReadAsync(response, ExecJson.Default.ExecState, cancellation),
        cancellation);

    private static async Task<string> ReadOutputAsync(Stream body, int maxBytes, CancellationToken cancellation)
    {
        byte[] header = new byte[FrameHeaderBytes];
        byte[] kept = new byte[maxBytes];
        byte[] dropped = ArrayPool<byte>.Shared.Rent(4096);
        int count = 0;
        try
        {
            while (await body.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, cancellation) == header.Length)
            {
                for (uint left = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4)); left > 0;)
                {
                    Memory<byte> room = count < maxBytes ? kept.AsMemory(count) : dropped;
                    int read = await body.ReadAsync(room[..(int)Math.Min(left, room.Length)], cancellation);
                    if (read == 0)
                    {
                        return Encoding.UTF8.GetString(kept, 0, count);
                    }

                    left -= (uint)read;
                    count = count < maxBytes ? count + read : count;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(dropped);
        }

        return Encoding.UTF8.GetString(kept, 0, count);
    }

    private async Task<HttpResponseMessage> PostAsync(string path, HttpContent content, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = content };
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
        catch (HttpRequestException e)
        {
            throw new DockerUnavailableException($"{Endpoint}: {Reason(e)}", e);
        }
    }

    private async Task<T> ReadBodyAsync<T>(HttpResponseMessage response, Func<Stream, Task<T>> read, CancellationToken cancellation)
    {
        try
        {
            await using Stream body = await response.Content.ReadAsStreamAsync(cancellation);
            if (response.IsSuccessStatusCode)
            {
                return await read(body);
            }

            EngineProblem? problem = await JsonSerializer.DeserializeAsync(body, ExecJson.Default.EngineProblem, cancellation);
            throw new DockerRefusedException(response.StatusCode, problem?.Message ?? $"the engine answered {(int)response.StatusCode}");
        }
        catch (Exception e) when (e is IOException or HttpRequestException or JsonException)
        {
            throw new DockerUnavailableException($"{Endpoint} answered {response.RequestMessage?.RequestUri?.PathAndQuery} with what cannot be read: {e.Message}", e);
        }
    }
}

/// <summary>The body of <c>POST /containers/{id}/exec</c>.</summary>
internal sealed record ExecCreate(string[] Cmd, bool AttachStdout, bool AttachStderr);

/// <summary>Its answer.</summary>
internal sealed record ExecCreated(string? Id);

/// <summary>What the engine says when it refuses.</summary>
internal sealed record EngineProblem([property: JsonPropertyName("message")] string? Message);

/// <summary>Docker's names as they are.</summary>
[JsonSerializable(typeof(ExecCreate))]
[JsonSerializable(typeof(ExecCreated))]
[JsonSerializable(typeof(ExecState))]
[JsonSerializable(typeof(EngineProblem))]
internal sealed partial class ExecJson : JsonSerializerContext;
