using System.Net.Sockets;

namespace Discovery.Store.Peers;

/// <summary>Reads what begins a connection, all of it within <see cref="PeerLimits.HandshakeTime"/>.</summary>
internal readonly struct HandshakeReader(Socket socket, FrameReader frames, TimeProvider time)
{
    private readonly long _started = time.GetTimestamp();

    /// <summary>Whether the stream begins with our magic; what it begins with instead stays in the reader.</summary>
    /// <exception cref="SocketException">It ended, or nothing came in time.</exception>
    public bool TryReadMagic()
    {
        ReadOnlySpan<byte> magic = HandshakeCodec.Magic;
        while (true)
        {
            ReadOnlySpan<byte> arrived = frames.Arrived;
            if (arrived.StartsWith(magic))
            {
                frames.Skip(magic.Length);
                return true;
            }

            // Eight bytes tell an HTTP method; a TLS client may wait for an answer to its first record, which is longer.
            if (arrived.Length >= magic.Length)
            {
                return false;
            }

            Receive();
        }
    }

    /// <summary>The frame behind the magic.</summary>
    /// <exception cref="SocketException">It ended, or nothing came in time.</exception>
    /// <exception cref="PeerFormatException">What came is no frame.</exception>
    public FrameKind ReadFrame(out ReadOnlySpan<byte> payload)
    {
        FrameKind kind;
        while (!frames.TryTake(out kind, out payload))
        {
            Receive();
        }

        return kind;
    }

    private void Receive()
    {
        TimeSpan left = PeerLimits.HandshakeTime - time.GetElapsedTime(_started);
        socket.ReceiveTimeout = left > TimeSpan.Zero ? Math.Max(1, (int)left.TotalMilliseconds) : throw new SocketException((int)SocketError.TimedOut);
        int count = socket.Receive(frames.Room());
        frames.Add(count > 0 ? count : throw new SocketException((int)SocketError.ConnectionReset));
    }
}
