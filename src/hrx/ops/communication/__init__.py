"""Telling people: drafts from facts, a linter against leaks, a rhythm that is kept, and the public page."""
