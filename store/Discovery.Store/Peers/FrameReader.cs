namespace Discovery.Store.Peers;

/// <summary>
/// Finds frames in a stream of bytes. Its room follows the bytes that have arrived, not the lengths that they claim, so
/// a small frame cannot make it take much memory.
/// </summary>
internal sealed class FrameReader
{
    private byte[] _buffer = new byte[PeerLimits.ReceiveBytes];
    private int _start;
    private int _end;

    /// <summary>Bytes of payload above which a frame is refused; small until both ends know each other.</summary>
    public int PayloadBytesMax { get; set; } = PeerLimits.HandshakeBytesMax;

    /// <summary>What has arrived and was not taken.</summary>
    public ReadOnlySpan<byte> Arrived => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Bytes held, for received ones or free.</summary>
    public int Capacity => _buffer.Length;

    /// <summary>Leaves out bytes at the beginning.</summary>
    public void Skip(int count) => _start += count;

    /// <summary>The next whole frame; its payload is valid until <see cref="Room"/> is called.</summary>
    /// <exception cref="PeerFormatException">What arrived is no frame.</exception>
    public bool TryTake(out FrameKind kind, out ReadOnlySpan<byte> payload)
    {
        kind = default;
        payload = default;
        if (Arrived.Length < FrameHeader.Bytes)
        {
            return false;
        }

        FrameHeader header = FrameHeader.Read(Arrived, PayloadBytesMax);
        int length = FrameHeader.Bytes + header.PayloadBytes;
        if (Arrived.Length < length)
        {
            return false;
        }

        header.Verify(Arrived[..length]);
        kind = header.Kind;
        payload = Arrived[FrameHeader.Bytes..length];
        _start += length;
        return true;
    }

    /// <summary>Room for the next bytes, never empty. Call it when <see cref="TryTake"/> found no more.</summary>
    public Span<byte> Room()
    {
        int arrived = _end - _start;
        if (arrived == 0)
        {
            (_start, _end) = (0, 0);
            if (_buffer.Length > PeerLimits.ReceiveBytesKept)
            {
                // One huge frame must not be remembered for ever.
                _buffer = new byte[PeerLimits.ReceiveBytes];
            }
        }
        else if (_end == _buffer.Length || arrived < FrameHeader.Bytes)
        {
            byte[] into = arrived > _buffer.Length / 2 ? new byte[Math.Min(2L * _buffer.Length, FrameHeader.Bytes + (long)PeerLimits.FrameBytesMax)] : _buffer;
            Arrived.CopyTo(into);
            (_buffer, _start, _end) = (into, 0, arrived);
        }

        return _buffer.AsSpan(_end);
    }

    /// <summary>So many bytes were put into <see cref="Room"/>.</summary>
    public void Add(int count) => _end += count;
}
