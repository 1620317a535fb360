using Google.Protobuf;

namespace Discovery.Simulator.Workload;

/// <summary>
/// The keys that clients share: groups of a few. A request stays within a group, so that the check for linearizability
/// has many small searches instead of a large one.
/// </summary>
internal static class Keys
{
    /// <summary>Keys of one group.</summary>
    public const int GroupSize = 3;

    /// <summary>Below all of them.</summary>
    public static readonly ByteString First = ByteString.CopyFromUtf8("k");

    /// <summary>Above all of them and those that hang on leases.</summary>
    public static readonly ByteString LeasedEnd = ByteString.CopyFromUtf8("m");

    private static readonly ByteString[] Numbered = [.. Enumerable.Range(0, 100).Select(static i => ByteString.CopyFromUtf8($"k{i:00}"))];

    /// <summary>A key by its number; three after another are a group.</summary>
    public static ByteString At(int index) => Numbered[index];

    /// <summary>A key that hangs on a lease; it ends by itself, so the model of the keyspace does not know it.</summary>
    public static ByteString Leased(int holder) => ByteString.CopyFromUtf8($"l{holder}");
}
