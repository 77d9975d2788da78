"""How a new version takes over from the old one: step by step, resumable, and undone when it does harm."""
