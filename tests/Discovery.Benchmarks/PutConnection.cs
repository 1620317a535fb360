using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Discovery.Benchmarks;

/// <summary>
/// One HTTP/2 connection that keeps a number of puts under way, each answer bringing the next one. It writes and reads frames itself
/// (RFC 9113), because the load must cost a fraction of what it measures: requests are one template with another stream and key;
/// of answers only their frames are looked at. An answer with a message is a success; errors come without one.
/// </summary>
internal sealed class PutConnection : IDisposable
{
    /// <summary>One frame of 16 KiB, the size that every peer takes, must hold a request.</summary>
    public const int ValueBytesMax = 16_000;

    private const int FrameHeaderBytes = 9;
    private const byte Data = 0, Headers = 1, ResetStream = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8;
    private const byte EndStream = 1, Ack = 1, EndHeaders = 4;

    /// <summary>What a peer lets us send before it says more (RFC 9113, 6.9.2).</summary>
    private const int FirstWindow = 65_535;

    /// <summary>What we let the peer send before we say more; renewed at half.</summary>
    private const int OwnWindow = 1 << 30;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly ArrayBufferWriter<byte> _out = new(64 * 1024);
    private readonly Dictionary<int, (long Started, bool HasMessage)> _streams = [];
    private readonly Uri _server;
    private readonly byte[] _body;
    private readonly byte[] _in = new byte[64 * 1024];
    private int _filled;
    private int _nextStream = 1;
    private long _window = FirstWindow;
    private int _received;
    private int _held;

    /// <param name="server">A member's client URL.</param>
    /// <param name="valueBytes">Of each put.</param>
    public PutConnection(Uri server, int valueBytes)
    {
        _server = server;
        _body = Body(valueBytes);
    }

    /// <summary>Times of the puts that succeeded.</summary>
    public List<long> Ticks { get; } = [];

    /// <summary>Puts that were refused.</summary>
    public int Failures { get; private set; }

    /// <summary>Keeps puts under way until there is no next key, then waits for the last answers.</summary>
    /// <param name="atOnce">Puts under way.</param>
    /// <param name="nextKey">The next key; null to end.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task RunAsync(int atOnce, Func<long?> nextKey, CancellationToken cancellation)
    {
        await _socket.ConnectAsync(_server.Host, _server.Port, cancellation);
        WritePreface();
        _held = atOnce;
        Refill(nextKey);
        while (_streams.Count > 0)
        {
            for (int sent = 0; sent < _out.WrittenCount;)
            {
                sent += await _socket.SendAsync(_out.WrittenMemory[sent..], cancellation);
            }

            _out.ResetWrittenCount();
            int read = await _socket.ReceiveAsync(_in.AsMemory(_filled), cancellation);
            if (read == 0)
            {
                throw new IOException($"{_server.Authority} ended the connection with {_streams.Count} puts under way");
            }

            _filled += read;
            TakeFrames();
            Refill(nextKey);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    /// <summary>A gRPC message: not compressed, its length, PutRequest with an 8-byte key (field 1) and the value (field 2).</summary>
    private static byte[] Body(int valueBytes)
    {
        const int KeyEnd = 5 + 2 + 8;
        byte[] length = valueBytes < 0x80 ? [(byte)valueBytes] : [(byte)(valueBytes | 0x80), (byte)(valueBytes >> 7)];
        byte[] body = new byte[KeyEnd + 1 + length.Length + valueBytes];
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), body.Length - 5);
        body[5] = 0x0a;
        body[6] = 8;
        body[KeyEnd] = 0x12;
        length.CopyTo(body, KeyEnd + 1);
        body.AsSpan(KeyEnd + 1 + length.Length).Fill((byte)'v');
        return body;
    }

    private void WritePreface()
    {
        _out.Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        WriteFrame(Settings, 0, 0, []);
        WriteWindow(OwnWindow - FirstWindow);
    }

    private void WriteWindow(int bytes)
    {
        Span<byte> increment = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(increment, bytes);
        WriteFrame(WindowUpdate, 0, 0, increment);
    }

    private void WriteFrame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        Span<byte> header = _out.GetSpan(FrameHeaderBytes);
        BinaryPrimitives.WriteInt32BigEndian(header, payload.Length << 8);
        header[3] = type;
        header[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(header[5..], stream);
        _out.Advance(FrameHeaderBytes);
        _out.Write(payload);
    }

    /// <summary>Starts as many puts as may be under way, as far as the peer's window lets us.</summary>
    private void Refill(Func<long?> nextKey)
    {
        for (; _held > 0 && _window >= _body.Length; _held--)
        {
            if (nextKey() is not { } key)
            {
                _held = 0;
                return;
            }

            WriteFrame(Headers, EndHeaders, _nextStream, _nextStream == 1 ? FirstHeaders() : LaterHeaders);
            BinaryPrimitives.WriteInt64BigEndian(_body.AsSpan(7), key);
            WriteFrame(Data, EndStream, _nextStream, _body);
            _window -= _body.Length;
            _streams[_nextStream] = (Stopwatch.GetTimestamp(), false);
            _nextStream += 2;
        }
    }

    /// <summary>
    /// HPACK (RFC 7541): POST and http from the static table; path, authority, content type and "te" as literals that enter
    /// the dynamic table, in this order.
    /// </summary>
    private byte[] FirstHeaders() =>
    [
        0x83, 0x86,
        0x44, .. Text("/etcdserverpb.KV/Put"),
        0x41, .. Text(_server.Authority),
        0x5f, .. Text("application/grpc"),
        0x40, .. Text("te"), .. Text("trailers"),
    ];

    /// <summary>The same from the tables; what entered last has index 62.</summary>
    private static ReadOnlySpan<byte> LaterHeaders => [0x83, 0x86, 0x80 | 65, 0x80 | 64, 0x80 | 63, 0x80 | 62];

    private static byte[] Text(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    private void TakeFrames()
    {
        int start = 0;
        while (_filled - start >= FrameHeaderBytes)
        {
            ReadOnlySpan<byte> rest = _in.AsSpan(start, _filled - start);
            int length = BinaryPrimitives.ReadInt32BigEndian(rest) >>> 8;
            if (rest.Length < FrameHeaderBytes + length)
            {
                break;
            }

            int stream = BinaryPrimitives.ReadInt32BigEndian(rest[5..]) & int.MaxValue;
            Take(rest[3], rest[4], stream, rest.Slice(FrameHeaderBytes, length));
            start += FrameHeaderBytes + length;
        }

        _in.AsSpan(start, _filled - start).CopyTo(_in);
        _filled -= start;
        if (_received > OwnWindow / 2)
        {
            WriteWindow(_received);
            _received = 0;
        }
    }

    private void Take(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case Data:
                _received += payload.Length;
                _streams[stream] = (_streams[stream].Started, HasMessage: true);
                EndIf((flags & EndStream) != 0, stream);
                break;
            case Headers:
                EndIf((flags & EndStream) != 0, stream);
                break;
            case ResetStream:
                // After a whole answer it only says that the rest of the request is not wanted.
                EndIf(_streams.ContainsKey(stream), stream);
                break;
            case Settings when (flags & Ack) == 0:
                WriteFrame(Settings, Ack, 0, []);
                break;
            case Ping when (flags & Ack) == 0:
                WriteFrame(Ping, Ack, 0, payload);
                break;
            case WindowUpdate when stream == 0:
                _window += BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
                break;
            case GoAway:
                throw new IOException($"{_server.Authority} sends the connection away, error {BinaryPrimitives.ReadInt32BigEndian(payload[4..])}");
        }
    }

    private void EndIf(bool isEnd, int stream)
    {
        if (isEnd && _streams.Remove(stream, out (long Started, bool HasMessage) call))
        {
            _held++;
            if (call.HasMessage)
            {
                Ticks.Add(Stopwatch.GetTimestamp() - call.Started);
            }
            else
            {
                Failures++;
            }
        }
    }
}
