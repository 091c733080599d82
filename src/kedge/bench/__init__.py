"""The benchmarks: every figure is a ratio against a named peer in the same run."""
