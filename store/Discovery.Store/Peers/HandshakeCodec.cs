using System.Collections.Immutable;
using System.Text;
using Discovery.Raft;

namespace Discovery.Store.Peers;

/// <summary>
/// Greetings and answers as bytes: the magic, then one frame. What is added later goes to a payload's end, and readers
/// leave out what they do not know, so that every version can at least read why it is refused.
/// </summary>
/// <remarks>
/// Hello: oldest version 2, newest 2, feature level 4, cluster 8, member 8, wanted member 8, token hash 8, flags 1 (bit
/// 0: offer, bit 1: forming), zeros 1, URLs 2, of each its length 2 and text. Accepted: version 2, flags 1 (bit 0:
/// untouched), zeros 1, feature level 4, cluster 8, member 8. Refused: code 1, zeros 1, length of the text 2, text.
/// </remarks>
internal static class HandshakeCodec
{
    private const int HelloBytes = 44;
    private const int AcceptedBytes = 24;
    private const int RefusedBytes = 4;
    private const byte OfferFlag = 1;
    private const byte FormingFlag = 2;
    private const byte UntouchedFlag = 1;

    /// <summary>The first bytes in both directions.</summary>
    public static ReadOnlySpan<byte> Magic => "DSCVPEER"u8;

    public static byte[] Encode(Hello hello)
    {
        PeerIdentity from = hello.From;
        byte[][] urls = [.. from.PeerUrls.Select(Encoding.UTF8.GetBytes)];
        byte[] bytes = New(HelloBytes + urls.Sum(static url => 2 + url.Length), out FieldWriter fields);
        fields.UInt16(hello.VersionMin);
        fields.UInt16(hello.VersionMax);
        fields.UInt32(from.FeatureLevel);
        fields.UInt64(from.ClusterId);
        fields.UInt64(from.Member.Value);
        fields.UInt64(hello.Wanted.Value);
        fields.UInt64(from.TokenHash);
        fields.Byte((byte)((hello.IsOffer ? OfferFlag : 0) | (hello.IsForming ? FormingFlag : 0)));
        fields.Zeros(1);
        fields.UInt16(urls.Length);
        foreach (byte[] url in urls)
        {
            fields.UInt16(url.Length);
            fields.Bytes(url);
        }

        return Close(bytes, FrameKind.Hello, in fields);
    }

    public static byte[] Encode(HelloAnswer answer)
    {
        FieldWriter fields;
        if (answer is Accepted accepted)
        {
            byte[] bytes = New(AcceptedBytes, out fields);
            fields.UInt16(accepted.Version);
            fields.Byte(accepted.IsUntouched ? UntouchedFlag : (byte)0);
            fields.Zeros(1);
            fields.UInt32(accepted.FeatureLevel);
            fields.UInt64(accepted.ClusterId);
            fields.UInt64(accepted.Member.Value);
            return Close(bytes, FrameKind.Accepted, in fields);
        }

        var refused = (Refused)answer;
        byte[] text = Encoding.UTF8.GetBytes(refused.Text);
        text = text.Length > PeerLimits.RefusalBytesMax ? text[..PeerLimits.RefusalBytesMax] : text;
        byte[] refusal = New(RefusedBytes + text.Length, out fields);
        fields.Byte((byte)refused.Code);
        fields.Zeros(1);
        fields.UInt16(text.Length);
        fields.Bytes(text);
        return Close(refusal, FrameKind.Refused, in fields);
    }

    /// <summary>Reads a greeting's payload.</summary>
    /// <exception cref="PeerFormatException">It is none.</exception>
    public static Hello DecodeHello(FrameKind kind, ReadOnlySpan<byte> payload)
    {
        if (kind != FrameKind.Hello)
        {
            throw new PeerFormatException($"found {kind}, wanted {FrameKind.Hello} first");
        }

        var fields = new FieldReader(payload, nameof(FrameKind.Hello));
        ushort versionMin = fields.UInt16("oldest version");
        ushort versionMax = fields.UInt16("newest version");
        uint featureLevel = fields.UInt32("feature level");
        ulong cluster = fields.UInt64("cluster");
        var member = new NodeId(fields.UInt64("member"));
        var wanted = new NodeId(fields.UInt64("wanted member"));
        ulong token = fields.UInt64("token");
        byte flags = fields.Byte("flags");
        _ = fields.Byte("zeros");
        if (cluster == 0 || member.Value == 0)
        {
            throw fields.Wrong($"it is from member {member} of cluster {cluster:x16}, wanted ids above 0");
        }

        var from = new PeerIdentity(cluster, member, ReadUrls(ref fields), token) { FeatureLevel = featureLevel };
        return new Hello(versionMin, versionMax, from, wanted, (flags & OfferFlag) != 0) { IsForming = (flags & FormingFlag) != 0 };
    }

    /// <summary>Reads an answer's payload.</summary>
    /// <exception cref="PeerFormatException">It is none.</exception>
    public static HelloAnswer DecodeAnswer(FrameKind kind, ReadOnlySpan<byte> payload)
    {
        if (kind == FrameKind.Accepted)
        {
            var fields = new FieldReader(payload, nameof(FrameKind.Accepted));
            ushort version = fields.UInt16("version");
            byte flags = fields.Byte("flags");
            _ = fields.Byte("zeros");
            uint featureLevel = fields.UInt32("feature level");
            return new Accepted(version, fields.UInt64("cluster"), new NodeId(fields.UInt64("member")), featureLevel) { IsUntouched = (flags & UntouchedFlag) != 0 };
        }

        if (kind == FrameKind.Refused)
        {
            var fields = new FieldReader(payload, nameof(FrameKind.Refused));
            var code = (RefusalCode)fields.Byte("code");
            _ = fields.Byte("zeros");
            return new Refused(code, ReadText(ref fields, "text", PeerLimits.RefusalBytesMax));
        }

        throw new PeerFormatException($"found {kind}, wanted an answer to {FrameKind.Hello}");
    }

    /// <summary>What the acceptor says before it closes an open connection; null while it is not all there.</summary>
    /// <exception cref="PeerFormatException">Something else came.</exception>
    public static Refused? TakeFarewell(FrameReader frames)
    {
        ReadOnlySpan<byte> arrived = frames.Arrived;
        int magicBytes = Math.Min(arrived.Length, Magic.Length);
        if (!Magic.StartsWith(arrived[..magicBytes]))
        {
            throw new PeerFormatException("found other bytes than a farewell's, wanted none");
        }

        if (arrived.Length < Magic.Length + FrameHeader.Bytes)
        {
            return null;
        }

        var rest = new FrameReader();
        arrived[Magic.Length..].CopyTo(rest.Room());
        rest.Add(arrived.Length - Magic.Length);
        return !rest.TryTake(out FrameKind kind, out ReadOnlySpan<byte> payload) ? null
            : DecodeAnswer(kind, payload) as Refused ?? throw new PeerFormatException($"found {kind}, wanted a farewell");
    }

    private static ImmutableArray<string> ReadUrls(ref FieldReader fields)
    {
        ushort count = fields.UInt16("URLs");
        if (count > PeerLimits.UrlsMax)
        {
            throw fields.Wrong($"it has {count} URLs, wanted at most {PeerLimits.UrlsMax}");
        }

        var urls = ImmutableArray.CreateBuilder<string>(count);
        for (int i = 0; i < count; i++)
        {
            string url = ReadText(ref fields, "URL", PeerLimits.UrlBytesMax);
            urls.Add(DialedUrl.Problem(url) is { } problem ? throw fields.Wrong($"its URL is \"{url}\"; {problem}") : url);
        }

        return urls.MoveToImmutable();
    }

    /// <summary>A text that may stand in one line of a log.</summary>
    private static string ReadText(ref FieldReader fields, string field, int bytesMax)
    {
        ushort length = fields.UInt16(field);
        if (length > bytesMax)
        {
            throw fields.Wrong($"its {field} has {length} bytes, wanted at most {bytesMax}");
        }

        string text = Encoding.UTF8.GetString(fields.Bytes(length, field));
        return text.Any(char.IsControl) ? string.Concat(text.Select(static c => char.IsControl(c) ? '?' : c)) : text;
    }

    private static byte[] New(int payloadBytes, out FieldWriter fields)
    {
        byte[] bytes = new byte[Magic.Length + FrameHeader.Bytes + payloadBytes];
        Magic.CopyTo(bytes);
        fields = new FieldWriter(bytes.AsSpan(Magic.Length + FrameHeader.Bytes));
        return bytes;
    }

    private static byte[] Close(byte[] bytes, FrameKind kind, in FieldWriter fields)
    {
        Invariant.Holds(fields.Left == 0);
        FrameHeader.Close(bytes.AsSpan(Magic.Length), kind);
        return bytes;
    }
}
