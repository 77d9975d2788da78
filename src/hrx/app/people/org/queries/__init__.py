"""Reads of the organisation at a day and as known at a moment."""
