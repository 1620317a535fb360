using Discovery.EtcdApi;
using Google.Protobuf;

namespace Discovery.Store.Keyspace;

/// <summary>
/// A node of <see cref="KeyTree"/>. A leaf has histories; an inner node has children, where key i is at or below every
/// key of child i and above every key of child i-1 (key 0 bounds nothing).
/// </summary>
internal sealed class KeyTreeNode
{
    public KeyTreeNode(bool isLeaf, long edit)
    {
        Edit = edit;
        Histories = isLeaf ? new KeyHistory[KeyTree.Fanout] : [];
        Children = isLeaf ? [] : new KeyTreeNode[KeyTree.Fanout];
    }

    public ByteString[] Keys { get; } = new ByteString[KeyTree.Fanout];

    public KeyHistory[] Histories { get; }

    public KeyTreeNode[] Children { get; }

    /// <summary>Keys in use; the first key of an inner node may be null, since it bounds nothing.</summary>
    public int Count { get; set; }

    /// <summary>Keys below this node that are not deleted.</summary>
    public int Live { get; set; }

    /// <summary>The edit that made the node and may change it in place.</summary>
    public long Edit { get; }

    public bool IsLeaf => Children.Length == 0;

    public KeyTreeNode Copy(long edit)
    {
        var copy = new KeyTreeNode(IsLeaf, edit) { Count = Count, Live = Live };
        Array.Copy(Keys, copy.Keys, Count);
        Array.Copy(Histories, copy.Histories, IsLeaf ? Count : 0);
        Array.Copy(Children, copy.Children, IsLeaf ? 0 : Count);
        return copy;
    }

    /// <summary>The first position whose key is at or above the key.</summary>
    public int LowerBound(ByteString key)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (KeyRange.Compare(Keys[middle], key) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>The child that holds the key if any does.</summary>
    public int ChildOf(ByteString key)
    {
        int low = 1;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (KeyRange.Compare(Keys[middle], key) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low - 1;
    }

    public void InsertHistory(int index, ByteString key, KeyHistory history)
    {
        Array.Copy(Keys, index, Keys, index + 1, Count - index);
        Array.Copy(Histories, index, Histories, index + 1, Count - index);
        (Keys[index], Histories[index]) = (key, history);
        Count++;
        Live += history.IsLive ? 1 : 0;
    }

    /// <summary>Adds a child whose live keys this node counts already.</summary>
    public void InsertChild(int index, ByteString key, KeyTreeNode child)
    {
        Array.Copy(Keys, index, Keys, index + 1, Count - index);
        Array.Copy(Children, index, Children, index + 1, Count - index);
        (Keys[index], Children[index]) = (key, child);
        Count++;
    }

    public void RemoveAt(int index)
    {
        Count--;
        Array.Copy(Keys, index + 1, Keys, index, Count - index);
        Keys[Count] = null!;
        if (IsLeaf)
        {
            Array.Copy(Histories, index + 1, Histories, index, Count - index);
            Histories[Count] = null!;
        }
        else
        {
            Array.Copy(Children, index + 1, Children, index, Count - index);
            Children[Count] = null!;
        }
    }

    /// <summary>Moves the upper half into a new node; neither half's <see cref="Live"/> is right until counted.</summary>
    public KeyTreeNode SplitUpper(long edit)
    {
        int half = Count / 2;
        var upper = new KeyTreeNode(IsLeaf, edit) { Count = Count - half };
        Move(Keys, upper.Keys, half, upper.Count);
        if (IsLeaf)
        {
            Move(Histories, upper.Histories, half, upper.Count);
        }
        else
        {
            Move(Children, upper.Children, half, upper.Count);
        }

        Count = half;
        return upper;
    }

    /// <summary>Takes over all of the right neighbour, whose lowest possible key is given.</summary>
    public void AppendAll(KeyTreeNode right, ByteString lowest)
    {
        Array.Copy(right.Keys, 0, Keys, Count, right.Count);
        if (IsLeaf)
        {
            Array.Copy(right.Histories, 0, Histories, Count, right.Count);
        }
        else
        {
            Array.Copy(right.Children, 0, Children, Count, right.Count);
            Keys[Count] = lowest;
        }

        Count += right.Count;
        Live += right.Live;
    }

    public void CountLive()
    {
        int live = 0;
        for (int i = 0; i < Count; i++)
        {
            live += IsLeaf ? (Histories[i].IsLive ? 1 : 0) : Children[i].Live;
        }

        Live = live;
    }

    private static void Move<T>(T[] from, T[] to, int start, int count)
    {
        Array.Copy(from, start, to, 0, count);
        Array.Clear(from, start, count);
    }
}
