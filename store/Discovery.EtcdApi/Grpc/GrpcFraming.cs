using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using Google.Protobuf;

namespace Discovery.EtcdApi.Grpc;

/// <summary>
/// gRPC's framing over HTTP/2: each message is one byte (1 when compressed), its length as a big-endian uint32, and
/// its bytes; deadlines are a number and a unit; status texts are percent-encoded.
/// </summary>
internal static class GrpcFraming
{
    /// <summary>Flag byte and length.</summary>
    public const int HeaderBytes = 5;

    public const string ContentType = "application/grpc";

    /// <summary>Writes one message with its header.</summary>
    public static void Write(IBufferWriter<byte> output, IMessage message)
    {
        int size = message.CalculateSize();
        Span<byte> span = output.GetSpan(HeaderBytes + size);
        span[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(span[1..], (uint)size);
        message.WriteTo(span.Slice(HeaderBytes, size));
        output.Advance(HeaderBytes + size);
    }

    /// <summary>
    /// Takes one whole message off the front of the buffer; false while it is incomplete.
    /// </summary>
    /// <exception cref="GrpcException">The message is larger than allowed, or compressed in a way we do not read.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, int maxBytes, string? encoding, out ReadOnlySequence<byte> message)
    {
        message = default;
        if (buffer.Length < HeaderBytes)
        {
            return false;
        }

        Span<byte> header = stackalloc byte[HeaderBytes];
        buffer.Slice(0, HeaderBytes).CopyTo(header);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        if (length > maxBytes)
        {
            throw new GrpcException(
                GrpcStatusCode.ResourceExhausted,
                $"grpc: received message larger than max ({length} vs. {maxBytes})");
        }

        if (buffer.Length < HeaderBytes + length)
        {
            return false;
        }

        message = buffer.Slice(HeaderBytes, length);
        if (header[0] != 0)
        {
            message = Inflate(message, maxBytes, encoding);
        }

        buffer = buffer.Slice(buffer.GetPosition(HeaderBytes + (long)length));
        return true;
    }

    /// <summary>Reads <c>grpc-timeout</c>: at most eight digits and one of H M S m u n; null when absent or wrong.</summary>
    public static TimeSpan? ParseTimeout(string? value)
    {
        if (value is not { Length: > 1 and <= 9 }
            || !long.TryParse(value.AsSpan(0, value.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long count))
        {
            return null;
        }

        return value[^1] switch
        {
            // Clients say "no hurry" with as many hours as fit; a timer takes at most 49 days.
            'H' => TimeSpan.FromHours(Math.Min(count, 1_000)),
            'M' => TimeSpan.FromMinutes(Math.Min(count, 60_000)),
            'S' => TimeSpan.FromSeconds(Math.Min(count, 3_600_000)),
            'm' => TimeSpan.FromMilliseconds(count),
            'u' => TimeSpan.FromMicroseconds(count),
            'n' => TimeSpan.FromTicks(count / 100),
            _ => null,
        };
    }

    /// <summary>A deadline as the header carries it, in milliseconds.</summary>
    public static string FormatTimeout(TimeSpan timeout) =>
        string.Create(CultureInfo.InvariantCulture, $"{Math.Clamp((long)timeout.TotalMilliseconds, 1, 99_999_999)}m");

    /// <summary>Status text as a header may carry it: printable ASCII but '%', all else percent-encoded UTF-8.</summary>
    public static string EncodeMessage(string text)
    {
        if (text.All(static c => c is >= ' ' and <= '~' and not '%'))
        {
            return text;
        }

        var encoded = new StringBuilder(text.Length + 16);
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            _ = b is >= 0x20 and <= 0x7e and not (byte)'%'
                ? encoded.Append((char)b)
                : encoded.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        return encoded.ToString();
    }

    private static ReadOnlySequence<byte> Inflate(ReadOnlySequence<byte> message, int maxBytes, string? encoding)
    {
        if (encoding != "gzip")
        {
            throw new GrpcException(
                GrpcStatusCode.Unimplemented,
                $"grpc: Decompressor is not installed for grpc-encoding \"{encoding}\"");
        }

        using var source = new GZipStream(new MemoryStream(message.ToArray()), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        byte[] chunk = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            for (int read; (read = source.Read(chunk)) > 0;)
            {
                // Checked while it grows: a small message may inflate to any size.
                if (plain.Length + read > maxBytes)
                {
                    throw new GrpcException(
                        GrpcStatusCode.ResourceExhausted,
                        $"grpc: received message after decompression larger than max ({maxBytes})");
                }

                plain.Write(chunk, 0, read);
            }
        }
        catch (InvalidDataException e)
        {
            throw new GrpcException(GrpcStatusCode.Internal, "grpc: failed to decompress the received message", e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }

        return new(plain.GetBuffer(), 0, (int)plain.Length);
    }
}
