"""The way back: what a roll-back would need, whether it is safe, and in which order."""
