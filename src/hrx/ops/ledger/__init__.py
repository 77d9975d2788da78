"""The memory of operations: an append-only, hash-chained record, and the few rows that stand around it.

The only package of this plane that speaks SQL to its own store. It knows no procedure and nobody's rights."""
