using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;
using Discovery.Store.Api;

namespace Discovery.Store.Tests.Api;

/// <summary>etcd's Go client sends a URL as the authority of some calls; Kestrel takes only a host.</summary>
public sealed class AuthorityTests
{

    [Theory]
    [InlineData("http://h:1", "httpx--h:1")]
    [InlineData("https://h:1", "httpsx--h:1")]
    [InlineData("h:1", null)]
    [InlineData("http:/h", null)]
    [InlineData("", null)]
    public void Scheme_of_a_plain_authority_becomes_a_part_of_the_host(string authority, string? expected)
    {
        byte[] block = [0x83, 0x3f, 0x20, 0x00, 1, (byte)'a', 1, (byte)'b', 0x41, (byte)authority.Length, .. Encoding.ASCII.GetBytes(authority), 0x84];

        Assert.Equal(expected is not null, Authority.TryMend(block));
        Assert.Equal(expected ?? authority, Encoding.ASCII.GetString(block, 10, authority.Length));
    }

    [Fact]
    public void Scheme_in_Huffman_code_is_changed_bit_by_bit()
    {
        byte[] code = Huffman("http://127.0.0.1:2379");
        byte[] block = [0x41, (byte)(0x80 | code.Length), .. code];

        Assert.True(Authority.TryMend(block));
        Assert.Equal(Huffman("httpx--127.0.0.1:2379"), block[2..]);
        Assert.False(Authority.TryMend(block));
    }

    /// <summary>Goal: no bytes of a stranger can break it. How: any bytes, with a printed seed.</summary>
    [Fact]
    public void Damaged_blocks_are_left_alone()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] block = new byte[random.Next(40)];
            random.NextBytes(block);
            Exception? failure = Record.Exception(() => Authority.TryMend(block));
            Assert.True(failure is null, $"seed {seed}: {failure}");
        }
    }

    /// <summary>Goal: the frame is found wherever the packets part. How: one byte more with each read, consumed at once or not.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task First_request_is_mended_however_it_arrives(bool consumes)
    {
        byte[] url = Encoding.ASCII.GetBytes("http://h:1");
        byte[] headers = [0x41, (byte)url.Length, .. url];
        byte[] sent = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(4, 0, [1, 2, 3, 4, 5, 6]), .. Frame(1, 0x20, [0, 0, 0, 0, 16, .. headers]), .. Frame(0, 0, url)];
        var pipe = new Pipe();
        var reader = new AuthorityReader(pipe.Reader);
        var read = new List<byte>();
        foreach (byte one in sent)
        {
            await pipe.Writer.WriteAsync(new[] { one });
            ReadResult result = await reader.ReadAsync();
            bool isFrameWhole = consumes && read.Count + result.Buffer.Length is var total && (total <= 24 || total == sent.Length || total == 24 + 15);
            if (isFrameWhole)
            {
                foreach (ReadOnlyMemory<byte> segment in result.Buffer)
                {
                    read.AddRange(segment.Span);
                }
            }

            reader.AdvanceTo(isFrameWhole ? result.Buffer.End : result.Buffer.Start, result.Buffer.End);
        }

        await pipe.Writer.CompleteAsync();
        ReadResult rest = await reader.ReadAsync();
        foreach (ReadOnlyMemory<byte> segment in rest.Buffer)
        {
            read.AddRange(segment.Span);
        }

        string text = Encoding.Latin1.GetString([.. read]);
        Assert.Contains("httpx--h:1", text, StringComparison.Ordinal);
        Assert.EndsWith("http://h:1", text, StringComparison.Ordinal);
        Assert.Equal(sent.Length, read.Count);
    }

    private static byte[] Frame(byte type, byte flags, byte[] payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        payload.CopyTo(frame, 9);
        return frame;
    }

    /// <summary>The few codes of RFC 7541, appendix B, that an address needs.</summary>
    private static byte[] Huffman(string text)
    {
        var codes = new Dictionary<char, string>
        {
            ['0'] = "00000",
            ['1'] = "00001",
            ['2'] = "00010",
            ['s'] = "01000",
            ['t'] = "01001",
            ['-'] = "010110",
            ['.'] = "010111",
            ['/'] = "011000",
            ['3'] = "011001",
            ['7'] = "011101",
            ['9'] = "011111",
            ['h'] = "100111",
            ['p'] = "101011",
            [':'] = "1011100",
            ['x'] = "1111001",
        };
        string bits = string.Concat(text.Select(c => codes[c]));
        bits = bits.PadRight((bits.Length + 7) / 8 * 8, '1');
        return [.. bits.Chunk(8).Select(static eight => Convert.ToByte(new string(eight), 2))];
    }
}
