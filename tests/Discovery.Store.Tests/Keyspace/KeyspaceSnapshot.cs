using System.Text;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Tests.Keyspace;

/// <summary>The bytes of a view, to compare two or to make a state from one.</summary>
internal static class KeyspaceSnapshot
{
    public static string Of(KeyspaceView view) => Convert.ToHexString(Bytes(view));

    public static KeyspaceState Restored(KeyspaceView view) => Restored(Bytes(view));

    public static KeyspaceState Restored(byte[] bytes) => KeyspaceCodec.Read(new BinaryReader(new MemoryStream(bytes)));

    private static byte[] Bytes(KeyspaceView view)
    {
        var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        KeyspaceCodec.Write(view, writer);
        writer.Flush();
        return stream.ToArray();
    }
}
