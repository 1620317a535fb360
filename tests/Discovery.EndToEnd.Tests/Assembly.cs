// Each class has the machine to itself: engines, stores and browsers of two would fight over two cores, and a slow answer
// would be nobody's fault.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: TestCollectionOrderer("Discovery.EndToEnd.Tests.Setup.CollectionOrder", "Discovery.EndToEnd.Tests")]
