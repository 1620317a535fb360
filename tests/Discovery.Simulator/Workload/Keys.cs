using Google.Protobuf;

namespace Discovery.Simulator.Workload;

/// <summary>The keys that clients share.</summary>
internal static class Keys
{
    /// <summary>Below all of them.</summary>
    public static readonly ByteString First = ByteString.CopyFromUtf8("k");

    /// <summary>Above all of them.</summary>
    public static readonly ByteString End = ByteString.CopyFromUtf8("l");

    private static readonly ByteString[] Numbered = [.. Enumerable.Range(0, 100).Select(static i => ByteString.CopyFromUtf8($"k{i:00}"))];

    public static ByteString At(int index) => Numbered[index];
}
