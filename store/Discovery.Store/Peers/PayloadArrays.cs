namespace Discovery.Store.Peers;

/// <summary>
/// Where payloads of one frame are kept that outlive it by far: many share one array, of at most
/// <see cref="PeerLimits.SharedBytes"/> unless a single one is larger. An array each would cost an object per entry, one for
/// all a large object per frame.
/// </summary>
/// <param name="total">Bytes of all payloads that will be copied.</param>
internal struct PayloadArrays(int total)
{
    private int _left = total;
    private Memory<byte> _room;

    /// <summary>A copy of the bytes.</summary>
    public ReadOnlyMemory<byte> Copy(ReadOnlySpan<byte> payload)
    {
        if (payload.Length > _room.Length)
        {
            _room = new byte[Math.Max(payload.Length, Math.Min(_left, PeerLimits.SharedBytes))];
        }

        Memory<byte> copy = _room[..payload.Length];
        payload.CopyTo(copy.Span);
        _room = _room[payload.Length..];
        _left -= payload.Length;
        return copy;
    }
}
