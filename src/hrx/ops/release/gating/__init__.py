"""The gate: whether a new version may go on, from what the edge counted of it and of the old one. Pure."""
