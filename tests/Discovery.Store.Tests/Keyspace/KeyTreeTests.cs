using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Keyspace;
using Google.Protobuf;
using Xunit.Abstractions;

namespace Discovery.Store.Tests.Keyspace;

/// <summary>The tree against a sorted list, through growth over several levels and back to nothing.</summary>
public sealed class KeyTreeTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(0)]
    public void Tree_and_sorted_list_agree_while_it_grows_and_shrinks(int fixedSeed)
    {
        int seed = fixedSeed == 0 ? Environment.TickCount : fixedSeed;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var tree = new KeyTree();
        var list = new SortedDictionary<string, bool>(StringComparer.Ordinal);
        var published = new List<(KeyTreeView View, string Content)>();

        for (int step = 0; step < 12_000; step++)
        {
            string key = $"{random.Next(4000):d4}";
            bool grows = step < 7_000;
            if (random.Next(10) < (grows ? 8 : 2))
            {
                bool live = random.Next(4) > 0;
                tree.Set(Bytes(key), History(key, live));
                list[key] = live;
            }
            else if (list.Remove(key))
            {
                tree.Remove(Bytes(key));
            }

            Assert.Equal(list.Count, tree.Count);
            if (step % 1000 == 0)
            {
                CompareAll(random, tree.Current, list);
                published.Add((tree.Publish(), Content(list)));
            }
        }

        foreach (string key in list.Keys.ToArray())
        {
            tree.Remove(Bytes(key));
        }

        Assert.Equal("", Content(tree.Current));
        Assert.All(published, p => Assert.Equal(p.Content, Content(p.View)));
    }

    private static void CompareAll(Random random, KeyTreeView tree, SortedDictionary<string, bool> list)
    {
        Assert.Equal(Content(list), Content(tree));
        for (int i = 0; i < 50; i++)
        {
            string from = $"{random.Next(4000):d4}";
            string to = $"{random.Next(4000):d4}";
            var range = new KeyRange(Bytes(from), Bytes(to));
            Assert.Equal(
                list.Count(p => p.Value && string.CompareOrdinal(p.Key, from) >= 0 && string.CompareOrdinal(p.Key, to) < 0),
                tree.CountLive(range));
            Assert.Equal(list.ContainsKey(from), tree.Get(Bytes(from)) is not null);
        }
    }

    private static string Content(SortedDictionary<string, bool> list) => string.Join(' ', list.Select(p => $"{p.Key}{p.Value}"));

    private static string Content(KeyTreeView tree)
    {
        var found = new List<string>();
        KeyTreeCursor cursor = tree.Seek(new KeyRange(Bytes("\0"), Bytes("\0")));
        while (cursor.MoveNext())
        {
            found.Add($"{cursor.Current.Latest.Key.ToStringUtf8()}{cursor.Current.IsLive}");
        }

        return string.Join(' ', found);
    }

    private static KeyHistory History(string key, bool live) =>
        new(new KeyValue { Key = Bytes(key), Version = live ? 1 : 0, ModRevision = 2 });

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
