using Discovery.EtcdApi;
using Discovery.Store.Watch;
using Google.Protobuf;

namespace Discovery.Store.Tests.Watch;

public sealed class WatcherIndexTests
{
    /// <summary>Goal: the index finds what asking every watcher would. How: random ranges over few letters, some taken out again.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Finds_what_asking_every_watcher_would_find(int seed)
    {
        var random = new Random(seed);
        var index = new WatcherIndex();
        var all = new List<Watcher>();
        for (int i = 0; i < 2_000; i++)
        {
            if (all.Count > 0 && random.Next(3) == 0)
            {
                Watcher gone = all[random.Next(all.Count)];
                all.Remove(gone);
                index.Remove(gone);
            }
            else
            {
                var watcher = new Watcher(i, Range(random), new(), null!);
                all.Add(watcher);
                index.Add(watcher);
            }

            ByteString key = Key(random, random.Next(1, 4));
            var found = new List<HashSet<Watcher>>();
            index.Find(key, found);

            Assert.Equal(
                all.Where(watcher => watcher.Range.Contains(key)).Select(watcher => watcher.Id).Order(),
                found.SelectMany(group => group).Select(watcher => watcher.Id).Order());
            Assert.Equal((all.Count, all.Count), (index.Count, index.All.Count()));
        }
    }

    private static KeyRange Range(Random random)
    {
        ByteString key = Key(random, random.Next(0, 3));
        KeyRange range = random.Next(4) switch
        {
            0 => KeyRange.Prefix(key),
            1 => new(key, ByteString.CopyFrom(0)),
            2 => new(key, Key(random, random.Next(1, 3))),
            _ => new(key, ByteString.Empty),
        };
        return range.IsEmpty ? new(key, ByteString.Empty) : range;
    }

    private static ByteString Key(Random random, int length) =>
        ByteString.CopyFrom([.. Enumerable.Range(0, length).Select(_ => (byte)(random.Next(4) == 0 ? 0xff : 'a' + random.Next(2)))]);
}
