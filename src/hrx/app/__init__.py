"""The HR product."""
