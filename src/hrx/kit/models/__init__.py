"""The registry of models: versions that are signed and never change, and aliases that move by one write.

Both planes know it: operations register, judge and move; the product loads what an alias names."""
