using Xunit.Abstractions;

namespace Discovery.EndToEnd.Tests.Setup;

/// <summary>Quick collections first, the shared engine next, the whole stack last: it builds every image.</summary>
public sealed class CollectionOrder : ITestCollectionOrderer
{
    /// <inheritdoc/>
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(static collection => Rank(collection.DisplayName)).ThenBy(static collection => collection.DisplayName, StringComparer.Ordinal);

    private static int Rank(string name) =>
        name.Contains(nameof(ComposeTests), StringComparison.Ordinal) ? 2 : name == SharedEngine.Name ? 1 : 0;
}
