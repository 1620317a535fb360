using Discovery.Store.Keyspace;

namespace Discovery.Store.Tests.Keyspace;

public sealed class KeyspaceHashTests
{
    private readonly KeyspaceDriver _store = new();

    [Fact]
    public void Members_that_applied_the_same_have_the_same_hash()
    {
        var other = new KeyspaceDriver();
        foreach (KeyspaceDriver store in new[] { _store, other })
        {
            store.Put("a", "1");
            store.Put("b", "22222222222");
            store.Delete("a");
        }

        Assert.Equal(Hash(_store), Hash(other));
        Assert.Equal(Hash(_store), KeyspaceHash.Of(KeyspaceSnapshot.Restored(_store.View).Publish(), 4));
    }

    [Theory]
    [InlineData("a", "2")]
    [InlineData("b", "1")]
    [InlineData("a1", "")]
    public void Any_difference_shows(string key, string value)
    {
        var other = new KeyspaceDriver();
        _store.Put("a", "1");
        other.Put(key, value);

        Assert.NotEqual(Hash(_store), Hash(other));
    }

    [Fact]
    public void Hash_of_an_earlier_revision_does_not_change_with_later_ones()
    {
        _store.Put("a", "1");
        uint first = Hash(_store);
        _store.Put("a", "2");

        Assert.Equal(first, KeyspaceHash.Of(_store.View, 2));
        Assert.NotEqual(first, Hash(_store));
    }

    [Fact]
    public void Freed_memory_of_what_was_compacted_does_not_show()
    {
        _store.Put("a", "1");
        _store.Put("b", "1");
        _store.Delete("b");
        _store.Put("a", "2");
        _store.Compact(4);
        uint before = Hash(_store);

        while (_store.State.HasTrimming)
        {
            _store.State.Trim(1);
            Assert.Equal(before, Hash(_store));
        }

        Assert.Equal(before, KeyspaceHash.Of(KeyspaceSnapshot.Restored(_store.View).Publish(), 5));
    }

    private static uint Hash(KeyspaceDriver store) => KeyspaceHash.Of(store.View, store.View.Revision);
}
