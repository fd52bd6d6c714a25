"""Parts of the benchmarks of speed: workloads, peers, stopwatches, tables."""
