// Each cluster has the machine to itself: three to five members, their clients and their disks are enough for two cores.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
