"""Models as part of what is released: opening the registry, the gate before an alias, moving it and back."""
