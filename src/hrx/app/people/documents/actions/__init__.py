"""Writes on documents: what people ask for, and what the jobs do with it."""
