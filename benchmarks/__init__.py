"""Benchmarks: ratios measured in one run on one machine; nothing here decides whether tests pass."""
