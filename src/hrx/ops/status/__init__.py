"""The public status page as a process of its own: serves what was written last, and says how old it is."""
