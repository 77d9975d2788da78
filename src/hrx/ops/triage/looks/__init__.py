"""The checks themselves, by what they look at. Each reads, keeps to its limit, and gives facts."""
