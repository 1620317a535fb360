using Discovery.EtcdApi;
using Google.Protobuf;

namespace Discovery.Store.Keyspace;

/// <summary>
/// The keys in byte order: a B+ tree whose nodes are copied before they change once a reader may hold them. Nodes made
/// since the last <see cref="Publish"/> are changed in place, so a batch copies each touched node once. Each node counts
/// its live keys: the count of a range costs one descent per bound, not a walk.
/// </summary>
internal sealed class KeyTree
{
    /// <summary>Keys of a node. 32 keeps a copied leaf at half a kilobyte and 100,000 keys four levels deep.</summary>
    internal const int Fanout = 32;

    private KeyTreeNode _root = new(isLeaf: true, edit: 0);
    private long _edit;

    /// <summary>Keys with a kept history, deleted ones included.</summary>
    public int Count { get; private set; }

    /// <summary>The tree as it is now, for this thread, valid until the next change.</summary>
    public KeyTreeView Current => new(_root);

    /// <summary>The tree as it is now, unchanged for ever, for any thread.</summary>
    public KeyTreeView Publish()
    {
        _edit++;
        return new KeyTreeView(_root);
    }

    public void Set(ByteString key, KeyHistory history)
    {
        KeyTreeNode? right = Insert(ref _root, key, history);
        if (right is not null)
        {
            var root = new KeyTreeNode(isLeaf: false, _edit) { Count = 2, Live = _root.Live + right.Live };
            (root.Keys[0], root.Children[0]) = (_root.Keys[0], _root);
            (root.Keys[1], root.Children[1]) = (right.Keys[0], right);
            _root = root;
        }
    }

    /// <summary>Forgets a key that is there.</summary>
    public void Remove(ByteString key)
    {
        Remove(ref _root, key);
        while (!_root.IsLeaf && _root.Count == 1)
        {
            _root = _root.Children[0];
        }

        if (!_root.IsLeaf && _root.Count == 0)
        {
            _root = new KeyTreeNode(isLeaf: true, _edit);
        }

        Count--;
    }

    private KeyTreeNode Own(KeyTreeNode node) => node.Edit == _edit ? node : node.Copy(_edit);

    /// <summary>Puts into the subtree; returns the new right neighbour when the node had to be split.</summary>
    private KeyTreeNode? Insert(ref KeyTreeNode node, ByteString key, KeyHistory history)
    {
        node = Own(node);
        if (node.IsLeaf)
        {
            return InsertInLeaf(node, key, history);
        }

        int index = node.ChildOf(key);
        int liveBefore = node.Children[index].Live;
        KeyTreeNode? right = Insert(ref node.Children[index], key, history);
        node.Live += node.Children[index].Live + (right?.Live ?? 0) - liveBefore;
        if (right is null)
        {
            return null;
        }

        if (node.Count < Fanout)
        {
            node.InsertChild(index + 1, right.Keys[0], right);
            return null;
        }

        // The new child counts in one half only: take it off before the halves count theirs.
        KeyTreeNode upper = node.SplitUpper(_edit);
        if (index + 1 <= node.Count)
        {
            node.InsertChild(index + 1, right.Keys[0], right);
        }
        else
        {
            upper.InsertChild(index + 1 - node.Count, right.Keys[0], right);
        }

        node.CountLive();
        upper.CountLive();
        return upper;
    }

    private KeyTreeNode? InsertInLeaf(KeyTreeNode leaf, ByteString key, KeyHistory history)
    {
        int index = leaf.LowerBound(key);
        if (index < leaf.Count && leaf.Keys[index].Equals(key))
        {
            leaf.Live += (history.IsLive ? 1 : 0) - (leaf.Histories[index].IsLive ? 1 : 0);
            leaf.Histories[index] = history;
            return null;
        }

        Count++;
        if (leaf.Count < Fanout)
        {
            leaf.InsertHistory(index, key, history);
            return null;
        }

        KeyTreeNode upper = leaf.SplitUpper(_edit);
        if (index <= leaf.Count)
        {
            leaf.InsertHistory(index, key, history);
        }
        else
        {
            upper.InsertHistory(index - leaf.Count, key, history);
        }

        leaf.CountLive();
        upper.CountLive();
        return upper;
    }

    private void Remove(ref KeyTreeNode node, ByteString key)
    {
        node = Own(node);
        if (node.IsLeaf)
        {
            int at = node.LowerBound(key);
            node.Live -= node.Histories[at].IsLive ? 1 : 0;
            node.RemoveAt(at);
            return;
        }

        int index = node.ChildOf(key);
        int liveBefore = node.Children[index].Live;
        Remove(ref node.Children[index], key);
        node.Live += node.Children[index].Live - liveBefore;
        if (node.Children[index].Count == 0)
        {
            node.RemoveAt(index);
        }
        else if (node.Count > 1)
        {
            MergeThin(node, index == 0 ? 0 : index - 1);
        }
    }

    /// <summary>Joins two neighbours that together fill a node at most half: enough to keep a shrinking tree small.</summary>
    private void MergeThin(KeyTreeNode parent, int left)
    {
        KeyTreeNode first = parent.Children[left];
        KeyTreeNode second = parent.Children[left + 1];
        if (first.Count + second.Count <= Fanout / 2)
        {
            first = Own(first);
            first.AppendAll(second, parent.Keys[left + 1]);
            parent.Children[left] = first;
            parent.RemoveAt(left + 1);
        }
    }
}

/// <summary>A published or current state of the tree.</summary>
internal readonly struct KeyTreeView(KeyTreeNode root)
{
    public KeyHistory? Get(ByteString key)
    {
        KeyTreeNode node = root;
        while (!node.IsLeaf)
        {
            node = node.Children[node.ChildOf(key)];
        }

        int index = node.LowerBound(key);
        return index < node.Count && node.Keys[index].Equals(key) ? node.Histories[index] : null;
    }

    /// <summary>Keys of the range that are live now.</summary>
    public long CountLive(KeyRange range)
    {
        if (range.IsSingle)
        {
            return Get(range.Key) is { IsLive: true } ? 1 : 0;
        }

        if (range.IsEmpty)
        {
            return 0;
        }

        long upTo = range.IsFromKey ? root.Live : LiveBelow(range.End);
        return upTo - LiveBelow(range.Key);
    }

    /// <summary>The histories of the range, in byte order, those of deleted keys included.</summary>
    public KeyTreeCursor Seek(KeyRange range) => new(root, range);

    private long LiveBelow(ByteString key)
    {
        long live = 0;
        KeyTreeNode node = root;
        while (!node.IsLeaf)
        {
            int index = node.ChildOf(key);
            for (int i = 0; i < index; i++)
            {
                live += node.Children[i].Live;
            }

            node = node.Children[index];
        }

        int end = node.LowerBound(key);
        for (int i = 0; i < end; i++)
        {
            live += node.Histories[i].IsLive ? 1 : 0;
        }

        return live;
    }
}

/// <summary>Walks a range of a tree that does not change meanwhile.</summary>
internal struct KeyTreeCursor
{
    /// <summary>Levels above the leaves: 32^12 keys are more than memory holds.</summary>
    private const int DepthMax = 12;

    private readonly KeyRange _range;
    private readonly (KeyTreeNode Node, int Next)[] _above = new (KeyTreeNode, int)[DepthMax];
    private int _depth;
    private KeyTreeNode? _leaf;
    private int _index;

    public KeyTreeCursor(KeyTreeNode root, KeyRange range)
    {
        _range = range;
        if (range.IsEmpty)
        {
            return;
        }

        KeyTreeNode node = root;
        while (!node.IsLeaf)
        {
            int child = node.ChildOf(range.Key);
            _above[_depth++] = (node, child + 1);
            node = node.Children[child];
        }

        _leaf = node;
        _index = node.LowerBound(range.Key) - 1;
    }

    public readonly KeyHistory Current => _leaf!.Histories[_index];

    public bool MoveNext()
    {
        if (_leaf is null)
        {
            return false;
        }

        if (++_index == _leaf.Count && !NextLeaf())
        {
            _leaf = null;
            return false;
        }

        ByteString key = _leaf.Keys[_index];
        bool inside = _range.IsFromKey
            || (_range.IsSingle ? key.Equals(_range.Key) : KeyRange.Compare(key, _range.End) < 0);
        _leaf = inside ? _leaf : null;
        return inside;
    }

    private bool NextLeaf()
    {
        while (_depth > 0)
        {
            ref (KeyTreeNode Node, int Next) above = ref _above[_depth - 1];
            if (above.Next == above.Node.Count)
            {
                _depth--;
                continue;
            }

            KeyTreeNode node = above.Node.Children[above.Next++];
            while (!node.IsLeaf)
            {
                _above[_depth++] = (node, 1);
                node = node.Children[0];
            }

            _leaf = node;
            _index = 0;
            return true;
        }

        return false;
    }
}
