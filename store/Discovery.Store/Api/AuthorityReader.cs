using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Runtime.InteropServices;

namespace Discovery.Store.Api;

/// <summary>
/// Reads an HTTP/2 connection on behalf of Kestrel, and makes the <c>:authority</c> of its first request one that Kestrel takes.
/// </summary>
/// <remarks>
/// etcd's Go client dials some calls (<c>etcdctl endpoint status</c>) by an endpoint's whole URL, and sends that as the authority:
/// <c>http://host:2379</c>. Go's server does not look at it; Kestrel resets the stream, and cannot be told not to. Only the three
/// characters <c>://</c> are changed, in place, to others of the same length, so neither the frame nor the header table (HPACK,
/// RFC 7541) is another. Later requests of the connection refer to the first one's by its index.
/// </remarks>
internal sealed class AuthorityReader(PipeReader input) : PipeReader
{
    private const int FrameHeaderBytes = 9;
    private const byte HeadersFrame = 1;
    private const byte PaddedFlag = 8;
    private const byte PriorityFlag = 0x20;
    private static readonly int PrefaceBytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.Length;

    private ReadOnlySequence<byte> _last;

    // Where the next frame begins, counted from the first byte that was not consumed; negative when its begin was.
    private long _next = PrefaceBytes;
    private bool _isDone;

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (!_isDone)
        {
            _next -= _last.Slice(0, consumed).Length;
            _last = default;
        }

        input.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => input.CancelPendingRead();

    public override void Complete(Exception? exception = null) => input.Complete(exception);

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        _isDone ? input.ReadAsync(cancellationToken) : ReadAndLookAsync(cancellationToken);

    public override bool TryRead(out ReadResult result)
    {
        bool isRead = input.TryRead(out result);
        if (isRead)
        {
            Look(result.Buffer);
        }

        return isRead;
    }

    private async ValueTask<ReadResult> ReadAndLookAsync(CancellationToken cancellation)
    {
        ReadResult result = await input.ReadAsync(cancellation);
        Look(result.Buffer);
        return result;
    }

    private void Look(in ReadOnlySequence<byte> buffer)
    {
        if (_isDone)
        {
            return;
        }

        _last = buffer;
        Span<byte> header = stackalloc byte[FrameHeaderBytes];
        while (!_isDone && _next >= 0 && buffer.Length >= _next + FrameHeaderBytes)
        {
            buffer.Slice(_next, FrameHeaderBytes).CopyTo(header);
            int length = BinaryPrimitives.ReadInt32BigEndian(header) >>> 8;
            if (header[3] != HeadersFrame)
            {
                _next += FrameHeaderBytes + length;
            }
            else if (buffer.Length < _next + FrameHeaderBytes + length)
            {
                // Kestrel waits for the whole frame too.
                return;
            }
            else
            {
                Mend(buffer.Slice(_next + FrameHeaderBytes, length), header[4]);
                _isDone = true;
            }
        }
    }

    private static void Mend(in ReadOnlySequence<byte> payload, byte flags)
    {
        byte[] block = payload.ToArray();
        int start = ((flags & PaddedFlag) != 0 ? 1 : 0) + ((flags & PriorityFlag) != 0 ? 5 : 0);
        if (start >= block.Length || !Authority.TryMend(block.AsSpan(start)))
        {
            return;
        }

        int at = 0;
        foreach (ReadOnlyMemory<byte> segment in payload)
        {
            // The pipe's memory is ours until it is consumed.
            block.AsSpan(at, segment.Length).CopyTo(MemoryMarshal.AsMemory(segment).Span);
            at += segment.Length;
        }
    }
}
